// The front page: what this server is, and where to go on.
import { escapeHtml, htmlPage } from "../../kernel/http/index.ts";

const CARDS = [
  ["/docs", "The API", "Every call, described from the schemas that check it, to be tried out here."],
  ["/docs/errors", "Errors", "Every code a refusal can carry, what it means and what to do."],
  ["/openapi.json", "OpenAPI 3.1", "The description for machines: make a client of it in any language."],
  ["/ready", "Ready?", "Whether requests are served, and if not, what is in the way."],
] as const;

/** `origin` is the address the visitor has come by. */
export function frontPage(origin: string): Response {
  const address = escapeHtml(origin);
  const cards = CARDS.map(
    ([path, title, text]) => `<li><a href="${path}"><strong>${title}</strong><span>${text}</span></a></li>`,
  );
  return htmlPage({
    title: "Stoa",
    path: "/",
    main: `<h1>One roof over many rooms</h1>
<p class="lead">Stoa is one self-hosted server for products whose people work on text together: accounts and roles, shared
projects, paragraphs that are analysed in the background and found by their words, and an ordered log of every change
that loses nothing. This one is running.</p>
<ul class="cards">${cards.join("")}</ul>
<h2>Begin</h2>
<p>Sign up, log in, and send the access token with every call.</p>
<pre><code>curl -X POST ${address}/api/v1/auth/signup -H 'Content-Type: application/json' \\
  -d '{"email": "ada@example.com", "password": "nine herons on a jetty"}'

curl -X POST ${address}/api/v1/auth/login -H 'Content-Type: application/json' \\
  -d '{"email": "ada@example.com", "password": "nine herons on a jetty"}'

curl ${address}/api/v1/projects -H 'Authorization: Bearer &lt;access_token&gt;'</code></pre>`,
  });
}
