// The routes that describe the API: /openapi.json, /docs and what these pages load.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { allErrors } from "../description/errors.ts";
import { describeApi, type OpenApiDocument } from "../description/openapi.ts";
import { type Route, type RouteSpec, route } from "../route.ts";
import { errorsPage } from "./errors-page.ts";
import { fileAt, type StaticFile, serveFile } from "./files.ts";
import { htmlPage, LOGO } from "./html-page.ts";

const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** `routes` gives all that are mounted when it is first asked. */
export function documentationRoutes(routes: () => readonly Route[], version: string): Route[] {
  let document: OpenApiDocument | undefined;
  const page = { title: "API · Stoa", path: "/docs", main: '<div id="description"></div>' };
  return [
    route(
      {
        ...open("/openapi.json", "getApiDescription", "The API's description, OpenAPI 3.1"),
        responses: { 200: { description: "This document." } },
        isHidden: false,
      },
      async () => {
        document ??= describeApi(routes(), version);
        return { status: 200, body: document, headers: { "Cache-Control": "no-cache" } };
      },
    ),
    route(open("/docs", "showDocs", "The API's description as a page"), async () =>
      htmlPage({
        ...page,
        styles: ["/docs/swagger-ui.css"],
        scripts: ["/docs/swagger-ui-bundle.js", "/docs/start.js"],
        allowsInlineStyle: true,
      }),
    ),
    route(open("/docs/errors", "showErrors", "All error codes as a page"), async () =>
      errorsPage(allErrors(routes())),
    ),
    ...Object.entries(files()).map(([name, file]) => {
      const serve = serveFile(file);
      return route(open(`/docs/${name}`, `getFile_${name}`, "A file of the pages"), ({ request }) =>
        serve(request),
      );
    }),
  ];
}

function open(path: string, operationId: string, summary: string) {
  return {
    method: "GET",
    path,
    operationId,
    tag: "ops",
    summary,
    access: "public",
    responses: { 200: { description: "The page." } },
    isHidden: true,
    limit: "none",
  } satisfies RouteSpec<"public", undefined, undefined, undefined>;
}

function files(): Record<string, StaticFile> {
  const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const icon = LOGO.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" color="#a6461f" ');
  return {
    "swagger-ui.css": fileAt(join(swagger, "swagger-ui.css"), CSS),
    "swagger-ui-bundle.js": fileAt(join(swagger, "swagger-ui-bundle.js"), SCRIPT),
    "start.js": fileAt(join(import.meta.dirname, "start.js"), SCRIPT),
    "style.css": fileAt(join(import.meta.dirname, "style.css"), CSS),
    "icon.svg": { type: "image/svg+xml", load: async () => Buffer.from(icon) },
  };
}
