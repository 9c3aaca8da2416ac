// The first page of the API description, in Markdown.

export const introduction = `Stoa is one self-hosted server for products whose people work on text together: accounts and roles, shared projects,
paragraphs that are analysed and searched, background jobs, and an ordered log of every change.

**Sign in** with \`POST /api/v1/auth/signup\` and \`POST /api/v1/auth/login\`; send the \`access_token\` as \`Authorization: Bearer …\`. Here: copy
it, press *Authorize*, paste it.

**Services** send an API key of a project in place of the token: \`POST /api/v1/api-keys\`. Where a call takes one, its security says
\`api_key\` with what the key must be allowed.

**Refusals** are \`application/problem+json\` (RFC 9457) with a stable \`code\`, a sentence in \`detail\`, the \`request_id\`, and for wrong input
\`errors: [{path, message}]\`. All codes: [/docs/errors](/docs/errors).

**Lists** give \`{items, next_cursor}\`; ask for the next page with \`?cursor=\`, for its size with \`?limit=\` (20, at most 100).

**Repeating safely**: a POST that creates takes an \`Idempotency-Key\`. The same key and body again give the stored answer, marked
\`Idempotency-Replayed: true\`.

Ids are UUIDs, times RFC 3339 in UTC, bodies JSON in UTF-8 of at most 8 MiB. Without \`project_id\` a call means your personal project.
`;
