// The page under /docs in a real browser: all operations are listed, and it needs nothing of other hosts.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { type LiveServer, openLiveServer } from "../../src/modules/live/testing/listener.ts";
import { openBrowser } from "./browser.ts";

let server: LiveServer;
let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
  server = await openLiveServer();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

interface Visit {
  readonly page: Page;
  /** What the console and the page itself complained of. */
  readonly complaints: string[];
  readonly hosts: Set<string>;
}

async function visit(path: string): Promise<Visit> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(request.url()));
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== "data:") hosts.add(host);
  });
  await page.goto(`http://127.0.0.1:${server.port}${path}`);
  return { page, complaints, hosts };
}

test("every operation is listed, with no complaint and no request to another host", async () => {
  const description = await (await fetch(`http://127.0.0.1:${server.port}/openapi.json`)).json();
  // As OpenAPI has it: operations by method, by path.
  const { paths } = description as { paths: Record<string, object> };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const { page, complaints, hosts } = await visit("/docs");
  await page.waitForSelector(".opblock");
  const listed = await page.$$eval(".opblock-summary", (summaries) =>
    summaries.map((summary) => {
      const text = (part: string) => summary.querySelector(part)?.textContent ?? "";
      return `${text(".opblock-summary-method")} ${text("[data-path]").replaceAll("\u200b", "")}`;
    }),
  );
  expect(listed.sort()).toEqual(operations.sort());
  expect(listed.length).toBeGreaterThan(30);
  await page.click(".opblock-summary");
  await page.waitForSelector(".opblock-body");
  expect(complaints).toEqual([]);
  expect([...hosts]).toEqual([`127.0.0.1:${server.port}`]);
});

test("the page of error codes needs no more", async () => {
  const { page, complaints, hosts } = await visit("/docs/errors");
  expect(await page.textContent("main")).toContain("PROJECT_NOT_FOUND");
  expect(complaints).toEqual([]);
  expect([...hosts]).toEqual([`127.0.0.1:${server.port}`]);
});
