// The API description: OpenAPI 3.1 from the same routes and schemas that answer, so that it cannot say anything else.
import type { z } from "zod";
import type { ErrorDefinition } from "../../errors/index.ts";
import { PROBLEM_TYPE, problemTitle, problemType } from "../problem.ts";
import type { Route } from "../route.ts";
import { errorsOf } from "./errors.ts";
import { introduction } from "./introduction.ts";
import { createSchemaBook, type JsonSchema, type SchemaBook } from "./schema.ts";

export type OpenApiDocument = Record<string, unknown>;

/** https://spec.openapis.org/oas/v3.1.0 ; routes that are hidden are left out. */
export function describeApi(routes: readonly Route[], version: string): OpenApiDocument {
  const book = createSchemaBook();
  const paths: Record<string, Record<string, unknown>> = {};
  const shown = routes.filter(({ spec }) => !spec.isHidden);
  for (const route of shown) {
    paths[route.spec.path] ??= {};
    Object.assign(paths[route.spec.path] ?? {}, {
      [route.spec.method.toLowerCase()]: describeRoute(route, book),
    });
  }
  return {
    openapi: "3.1.0",
    info: { title: "Stoa", version, description: introduction, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: "/" }],
    tags: listTags(shown).map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...book.named(), Problem: problemSchema },
      headers: commonHeaders,
      parameters: { IdempotencyKey: idempotencyKey },
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "The `access_token` of POST /api/v1/auth/login.",
        },
        api_key: {
          type: "http",
          scheme: "bearer",
          description: "A `key` of POST /api/v1/api-keys, in place of the access token.",
        },
        ticket: {
          type: "apiKey",
          in: "query",
          name: "ticket",
          description: "The `ticket` of POST /api/v1/live/tickets, where no header can be set.",
        },
        access_token: {
          type: "apiKey",
          in: "query",
          name: "access_token",
          description: "The `access_token` of POST /api/v1/auth/login, where no header can be set.",
        },
      },
    },
  };
}

/** In the order of mounting, what operators ask for last. */
function listTags(routes: readonly Route[]): string[] {
  const tags = new Set(routes.map(({ spec }) => spec.tag));
  const hasOps = tags.delete("ops");
  return hasOps ? [...tags, "ops"] : [...tags];
}

function describeRoute(route: Route, book: SchemaBook): Record<string, unknown> {
  const { spec } = route;
  const parameters = [
    ...describeParameters(spec.params, "path", book),
    ...describeParameters(spec.query, "query", book),
    ...describeRequestHeaders(spec.requestHeaders),
    ...(spec.isIdempotent ? [{ $ref: "#/components/parameters/IdempotencyKey" }] : []),
  ];
  return {
    operationId: spec.operationId,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description ? { description: spec.description } : {}),
    security: describeSecurity(spec),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(spec.body ? { requestBody: describeBody(spec.body, book) } : {}),
    responses: { ...describeAnswers(route, book), ...describeRefusals(errorsOf(route)) },
  };
}

/** For a key, what it must be allowed (OpenAPI 3.1: roles of the requirement). */
function describeSecurity({
  access,
  takesProof,
  permission = "",
}: Route["spec"]): Record<string, string[]>[] {
  if (takesProof) return [{ bearer: [] }, { ticket: [] }, { access_token: [] }];
  if (access === "public") return [];
  return access === "user" ? [{ bearer: [] }] : [{ bearer: [] }, { api_key: [permission] }];
}

function describeParameters(schema: z.ZodType | undefined, place: "path" | "query", book: SchemaBook) {
  if (!schema) return [];
  const { properties = {}, required = [] } = book.convert(schema, "input") as {
    // An object schema: mounting refuses others as parameters.
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(description ? { description } : {}),
    schema: rest,
  }));
}

function describeRequestHeaders(headers: Readonly<Record<string, string>> = {}) {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: "header",
    required: false,
    description,
    schema: text,
  }));
}

function describeBody(body: NonNullable<Route["spec"]["body"]>, book: SchemaBook) {
  if (!("stream" in body)) {
    return { required: true, content: { "application/json": { schema: book.convert(body, "input") } } };
  }
  const schema = { type: "string", format: "binary" };
  return { required: true, content: Object.fromEntries(body.stream.map((type) => [type, { schema }])) };
}

function describeAnswers({ spec }: Route, book: SchemaBook) {
  const replayed = spec.isIdempotent
    ? { "Idempotency-Replayed": { $ref: "#/components/headers/Idempotency-Replayed" } }
    : {};
  const limits = spec.limit === "none" ? [] : LIMIT_HEADERS;
  const limited = Object.fromEntries(limits.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  const headers = { "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" }, ...limited, ...replayed };
  return Object.fromEntries(
    Object.entries(spec.responses).map(
      ([status, { description, schema, type = "application/json", alsoAs = [], ...doc }]) => [
        status,
        {
          description,
          headers: { ...headers, ...describeHeaders(doc.headers) },
          ...(schema
            ? { content: { [type]: { schema: book.convert(schema, "output") }, ...describeTexts(alsoAs) } }
            : {}),
        },
      ],
    ),
  );
}

function describeTexts(types: readonly string[]) {
  return Object.fromEntries(types.map((type) => [type, { schema: text }]));
}

function describeHeaders(headers: Readonly<Record<string, string>> = {}) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: text }]),
  );
}

/** One answer a status, an example a code. */
function describeRefusals(errors: readonly ErrorDefinition[]) {
  const byStatus = Map.groupBy(errors, (error) => error.status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map(({ code }) => code).join(" or "),
        headers: {
          "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" },
          ...(status === 503 || status === 409 || status === 429
            ? { "Retry-After": { $ref: "#/components/headers/Retry-After" } }
            : {}),
          ...(status === 401
            ? { "WWW-Authenticate": { $ref: "#/components/headers/WWW-Authenticate" } }
            : {}),
        },
        content: {
          [PROBLEM_TYPE]: {
            schema: { $ref: "#/components/schemas/Problem" },
            examples: Object.fromEntries(group.map((error) => [error.code, { value: exampleOf(error) }])),
          },
        },
      },
    ]),
  );
}

function exampleOf({ code, status, detail }: ErrorDefinition) {
  const request_id = "01a1fc20-f4eb-75a9-88eb-117be1537933";
  return { type: problemType(code), title: problemTitle(code), status, detail, code, request_id };
}

const text = { type: "string" } as const;

const problemSchema = {
  type: "object",
  description: "A refusal as of RFC 9457. Decide by `code`; show `detail` to people.",
  required: ["type", "title", "status", "detail", "code", "request_id"],
  properties: {
    type: { ...text, format: "uri-reference", description: "Address of the code's explanation." },
    title: { ...text, description: "The code in words." },
    status: { type: "integer" },
    detail: { ...text, description: "What happened and what to do." },
    code: { ...text, description: "Stable; documented at /docs/errors." },
    request_id: { ...text, description: "Quote it when you ask for help." },
    errors: {
      type: "array",
      description: "For wrong input: each field that is wrong.",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: { path: { ...text, examples: ["paragraphs.3"] }, message: text },
      },
    },
  },
};

const LIMIT_HEADERS = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

const commonHeaders = {
  "X-Request-Id": { description: "The request's id: yours, or one that we made.", schema: text },
  "X-RateLimit-Limit": {
    description: "Requests a minute that the limit of this call lets through.",
    schema: { type: "integer" },
  },
  "X-RateLimit-Remaining": { description: "Requests that are left.", schema: { type: "integer" } },
  "X-RateLimit-Reset": {
    description: "Unix seconds at which there is room for more again.",
    schema: { type: "integer" },
  },
  "Retry-After": { description: "Seconds after which to try again.", schema: { type: "integer" } },
  "WWW-Authenticate": { description: "`Bearer` (RFC 6750).", schema: text },
  "Idempotency-Replayed": { description: "`true`: the stored answer of the first request.", schema: text },
};

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "1 to 255 visible characters of your choice, such as a UUID. Sent again within 24 hours with the same body it gives the stored answer.",
  schema: { ...text, minLength: 1, maxLength: 257 },
};
