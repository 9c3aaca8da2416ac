import { afterAll, beforeAll, expect, test } from "bun:test";
import { brotliDecompressSync } from "node:zlib";
import { kernelErrors } from "../../errors/index.ts";
import { escapeHtml } from "../index.ts";
import { openTestHttp, send, type TestHttp, thingErrors, thingRoutes } from "../test-http.ts";

let server: TestHttp;
beforeAll(async () => {
  server = await openTestHttp(thingRoutes);
});
afterAll(() => server.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  send(server.http, "GET", path, { headers });

test("[HTTP-42] the page loads our own files only, and all of them are there", async () => {
  const page = await get("/docs");
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const loaded = [...page.text.matchAll(/(?:src|<link[^>]*href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(loaded).toContain("/docs/swagger-ui-bundle.js");
  for (const path of loaded) {
    expect(path).toStartWith("/");
    const file = await get(path);
    expect([path, file.status]).toEqual([path, 200]);
    expect(file.headers.get("x-content-type-options")).toBe("nosniff");
  }
});

test("[HTTP-42] no other origin and no script in the page is allowed", async () => {
  const page = await get("/docs");
  const policy = page.headers.get("content-security-policy");
  expect(policy?.split("; ")).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(page.text).not.toMatch(/<script>|<script [^>]*>[^<]|\son\w+=/);
});

test("[HTTP-42] our own script and style ask no other address", async () => {
  for (const path of ["/docs/start.js", "/docs/style.css", "/docs/icon.svg", "/docs/swagger-ui.css"]) {
    const addresses = (await get(path)).text.match(/url\(\s*(?!["']?data:)|fetch\(|@import/g);
    expect([path, addresses]).toEqual([path, null]);
  }
  // Swagger UI would ask validator.swagger.io about the document.
  expect((await get("/docs/start.js")).text).toContain("validatorUrl: null");
});

test("[HTTP-42] text in a page cannot become markup", () => {
  expect(escapeHtml(`<a href='x' b="y">&amp;</a>`)).toBe(
    "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;amp;&lt;/a&gt;",
  );
});

test("[HTTP-42] a file is compressed, and not sent again while it is the same", async () => {
  const plain = await get("/docs/swagger-ui-bundle.js", { "Accept-Encoding": "identity" });
  const url = "http://stoa.test/docs/swagger-ui-bundle.js";
  const packed = await server.http.fetch(new Request(url, { headers: { "Accept-Encoding": "gzip, br" } }));
  expect(packed.headers.get("content-encoding")).toBe("br");
  expect(packed.headers.get("vary")).toBe("Accept-Encoding");
  const bytes = Buffer.from(await packed.arrayBuffer());
  expect(bytes.length).toBeLessThan(plain.text.length / 3);
  expect(brotliDecompressSync(bytes).toString() === plain.text).toBe(true);
  const etag = plain.headers.get("etag") ?? "";
  expect(plain.headers.get("cache-control")).toBe("public, max-age=3600");
  const again = await get("/docs/swagger-ui-bundle.js", { "If-None-Match": `"other", ${etag}` });
  expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", etag]);
});

test("[HTTP-42] nothing else of the disk is served", async () => {
  for (const path of [
    "/docs/routes.ts",
    "/docs/..%2froutes.ts",
    "/docs/%2e%2e%2fpackage.json",
    "/docs/swagger-ui.js",
  ]) {
    expect((await get(path)).status).toBe(404);
  }
});

test("[HTTP-43] every code has its row, at the address that problems name", async () => {
  const page = await get("/docs/errors");
  for (const error of [...Object.values(kernelErrors), ...Object.values(thingErrors)]) {
    expect(page.text).toContain(`<tr id="${error.code}">`);
    expect(page.text).toContain(error.detail.replaceAll("'", "&#39;"));
  }
  const { body } = await get("/nowhere");
  expect(body.type).toBe("/docs/errors#NOT_FOUND");
});
