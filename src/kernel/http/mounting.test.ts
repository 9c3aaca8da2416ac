import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { type Route, route } from "./index.ts";
import { idParams, openTestHttp, send, type TestHttp, thing, thingRoutes } from "./test-http.ts";

/** Routes can be mounted until the first request. */
let unasked: TestHttp;
beforeAll(async () => {
  unasked = await openTestHttp(thingRoutes);
});
afterAll(() => unasked.close());

const ok = async () => ({ status: 200 });
const loose = z.object({ a: z.string() });
const mistakes: [string, () => Route, RegExp][] = [
  [
    "a body that lets fields through",
    () => route({ ...thing, method: "POST", path: "/a", operationId: "a", body: loose }, ok),
    /body lets unknown/,
  ],
  [
    "a nested one",
    () =>
      route(
        {
          ...thing,
          method: "POST",
          path: "/a",
          operationId: "a",
          body: z.strictObject({ x: z.array(loose.optional()) }),
        },
        ok,
      ),
    /body.x lets unknown/,
  ],
  [
    "one among a union's options",
    () =>
      route(
        { ...thing, method: "POST", path: "/a", operationId: "a", body: z.union([z.string(), loose]) },
        ok,
      ),
    /body lets unknown/,
  ],
  [
    "such a query",
    () => route({ ...thing, method: "GET", path: "/a", operationId: "a", query: loose }, ok),
    /query lets unknown/,
  ],
  [
    "a second route of an address",
    () =>
      route(
        {
          ...thing,
          method: "GET",
          path: "/things/{other}",
          operationId: "a",
          params: z.strictObject({ other: z.string() }),
        },
        ok,
      ),
    /twice/,
  ],
  [
    "a second name",
    () => route({ ...thing, method: "GET", path: "/a", operationId: "getThing" }, ok),
    /a second getThing/,
  ],
  [
    "a parameter without a schema",
    () => route({ ...thing, method: "GET", path: "/a/{id}", operationId: "a" }, ok),
    /params describe/,
  ],
  [
    "a schema without its parameter",
    () => route({ ...thing, method: "GET", path: "/a", operationId: "a", params: idParams }, ok),
    /params describe/,
  ],
  [
    "a GET with a body",
    () => route({ ...thing, method: "GET", path: "/a", operationId: "a", body: z.string() }, ok),
    /GET takes no body/,
  ],
  [
    "a key without a caller",
    () =>
      route(
        { ...thing, access: "public", method: "POST", path: "/a", operationId: "a", isIdempotent: true },
        ok,
      ),
    /needs an authenticated caller/,
  ],
  [
    "a key on a PUT",
    () => route({ ...thing, method: "PUT", path: "/a", operationId: "a", isIdempotent: true }, ok),
    /only a POST/,
  ],
  [
    "a path that ends in a slash",
    () => route({ ...thing, method: "GET", path: "/a/", operationId: "a" }, ok),
    /malformed/,
  ],
];
for (const [what, make, message] of mistakes) {
  test(`[HTTP-22] ${what} is not mounted`, () => {
    expect(() => unasked.http.mount([make()])).toThrow(message);
  });
}

test("[HTTP-22] a schema that contains itself is looked through once", () => {
  const comment = z.strictObject({
    text: z.string(),
    get replies() {
      return z.array(comment);
    },
  });
  const spec = { ...thing, method: "POST", path: "/comments", operationId: "addComment" } as const;
  expect(() => unasked.http.mount([route({ ...spec, body: comment }, ok)])).not.toThrow();
});

test("[HTTP-22] nothing is mounted once requests are answered", async () => {
  const late = route({ ...thing, method: "GET", path: "/late", operationId: "late" }, ok);
  await send(unasked.http, "GET", "/open");
  expect(() => unasked.http.mount([late])).toThrow("before the first request");
});
