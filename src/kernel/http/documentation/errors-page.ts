// The list of all error codes, each at the address that its problems give as their type.
import type { ErrorDefinition } from "../../errors/index.ts";
import { escapeHtml, htmlPage } from "./html-page.ts";

export function errorsPage(errors: readonly ErrorDefinition[]): Response {
  const rows = errors.map(
    ({ code, status, detail }) =>
      `<tr id="${escapeHtml(code)}"><td><code>${escapeHtml(code)}</code></td><td>${status}</td><td>${escapeHtml(detail)}</td></tr>`,
  );
  return htmlPage({
    title: "Errors · Stoa",
    path: "/docs/errors",
    main: `<h1>Errors</h1>
<p class="lead">Every refusal is <code>application/problem+json</code> (RFC 9457). Decide by its <code>code</code>, show its
<code>detail</code> to people, quote its <code>request_id</code> when you ask for help.</p>
<table><thead><tr><th>Code</th><th>Status</th><th>What it means and what to do</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table>`,
  });
}
