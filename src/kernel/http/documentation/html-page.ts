// Pages that the server itself shows: one frame, one style, no request to anywhere else.

export interface HtmlPage {
  readonly title: string;
  /** HTML of the page's own part; texts in it have gone through escapeHtml. */
  readonly main: string;
  /** Path of this page among those of the navigation. */
  readonly path: string;
  /** Addresses of our own styles and scripts beside the common style. */
  readonly styles?: readonly string[];
  readonly scripts?: readonly string[];
  /** Swagger UI sets style attributes. */
  readonly allowsInlineStyle?: boolean;
}

const PAGES = [
  ["/docs", "API"],
  ["/docs/errors", "Errors"],
  ["/openapi.json", "OpenAPI"],
] as const;

export function htmlPage(page: HtmlPage): Response {
  const links = PAGES.map(
    ([path, name]) => `<a href="${path}"${path === page.path ? ' aria-current="page"' : ""}>${name}</a>`,
  );
  const styles = [...(page.styles ?? []), "/docs/style.css"].map(
    (path) => `<link rel="stylesheet" href="${path}">`,
  );
  const scripts = (page.scripts ?? []).map((path) => `<script src="${path}"></script>`);
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(page.title)}</title>
<link rel="icon" type="image/svg+xml" href="/docs/icon.svg">
${styles.join("\n")}
</head>
<body>
<header class="bar"><nav><a class="brand" href="/">${LOGO}Stoa</a>${links.join("")}</nav></header>
<main>${page.main}</main>
${scripts.join("\n")}
</body>
</html>
`;
  return new Response(html, {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-cache",
      "Content-Security-Policy": policy(page),
      "Cross-Origin-Opener-Policy": "same-origin",
    },
  });
}

/** Only our own files; pages without scripts may run none. */
function policy({ scripts = [], allowsInlineStyle = false }: HtmlPage): string {
  return [
    "default-src 'none'",
    `script-src ${scripts.length > 0 ? "'self'" : "'none'"}`,
    `style-src 'self'${allowsInlineStyle ? " 'unsafe-inline'" : ""}`,
    "img-src 'self' data:",
    `connect-src ${scripts.length > 0 ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** A roof over four columns. `currentColor` follows the page; the icon of the browser's tab has a colour of its own. */
export const LOGO = `<svg viewBox="0 0 32 32" fill="currentColor" aria-hidden="true"><path d="M16 3 2.5 10.2V12.5h27v-2.3z"/><path d="M5 14.5h3.4v10.5H5zM11.2 14.5h3.4v10.5h-3.4zM17.4 14.5h3.4v10.5h-3.4zM23.6 14.5H27v10.5h-3.4zM2.5 26.5h27V29h-27z"/></svg>`;
