import { afterAll, beforeAll, expect, test } from "bun:test";
import { Glob } from "bun";
import { openTestServer, type TestServer } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await openTestServer({ works: false });
});
afterAll(() => server.stop());

test("[ACC-17] every tag with a route that is not public has a refusal suite", async () => {
  const tested = new Set<string>();
  const root = `${import.meta.dir}/../modules`;
  for await (const path of new Glob("*/refusals.test.ts").scan(root)) {
    const [, list = ""] = (await Bun.file(`${root}/${path}`).text()).match(/\btags: \[([^\]]*)\]/) ?? [];
    for (const [, tag = ""] of list.matchAll(/"([^"]+)"/g)) tested.add(tag);
  }
  const closed = server.routes.filter(({ spec }) => spec.access !== "public");
  expect(closed.length).toBeGreaterThan(10);
  expect([...new Set(closed.map(({ spec }) => spec.tag))].filter((tag) => !tested.has(tag))).toEqual([]);
});
