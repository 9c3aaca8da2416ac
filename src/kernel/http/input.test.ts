import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { bestOf } from "../../testing/best-of.ts";
import { route } from "./index.ts";
import { converse, openTestHttp, send, type TestHttp, thing, thingRoutes } from "./test-http.ts";

const address = z.strictObject({ street: z.string(), number: z.int().min(1).max(999) });
const everything = z.strictObject({
  name: z.string().min(2).max(5),
  email: z.email(),
  kind: z.enum(["post", "page"]),
  home: address,
  list: z.array(address).max(3),
  words: z.array(z.string()).max(2),
  either: z.union([z.string(), z.number()]),
  id: z.uuid(),
  at: z.iso.datetime(),
  own: z.string().regex(/^x/, "Must begin with an x."),
});

let server: TestHttp;
beforeAll(async () => {
  server = await openTestHttp((db) => [
    ...thingRoutes(),
    route(
      { ...thing, method: "POST", path: "/everything", operationId: "everything", body: everything },
      async () => ({ status: 200 }),
    ),
    route(
      {
        ...thing,
        method: "POST",
        path: "/anything",
        operationId: "anything",
        body: z.record(z.string(), z.unknown()),
      },
      async ({ body }) => ({ status: 200, body: { got: body } }),
    ),
    route(
      {
        ...thing,
        method: "POST",
        path: "/small",
        operationId: "small",
        body: z.strictObject({ a: z.string() }),
        maxBodyBytes: 100,
      },
      async () => {
        await db.sql`SELECT 1`;
        return { status: 200, body: {} };
      },
    ),
  ]);
  await server.http.start();
});
afterAll(() => server.close());

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  send(server.http, "POST", path, { as: "ada", body, headers });
const bytes = (...values: number[]) => new Uint8Array(values);

for (const [what, body] of [
  ["no JSON", "{name: 1}"],
  ["half an object", '{"name": "x"'],
  ["two values", '{"name":"x"}{"name":"y"}'],
  ["a trailing comma", '{"name":"x",}'],
  ["a raw control character", '{"name":"a\u0001"}'],
  ["an empty body", ""],
  ["white space", "  \n"],
  ["NaN", '{"name":NaN}'],
  ["a byte that is no UTF-8", bytes(0x22, 0xff, 0x22)],
  ["an overlong form", bytes(0x22, 0xc0, 0x80, 0x22)],
  ["a surrogate in UTF-8", bytes(0x22, 0xed, 0xa0, 0x80, 0x22)],
  ["half a character", bytes(0x22, 0xe2, 0x82, 0x22)],
  ["UTF-16", bytes(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00)],
] as const) {
  test(`[HTTP-15] ${what} is 400`, async () => {
    const answer = await post("/things", body);
    expect([answer.status, answer.body.code]).toEqual([400, "INVALID_JSON"]);
  });
}

test("[HTTP-15] a byte-order mark is let through", async () => {
  const answer = await post("/anything", Buffer.concat([bytes(0xef, 0xbb, 0xbf), Buffer.from('{"a":1}')]));
  expect(answer.body).toEqual({ got: { a: 1 } });
});

for (const type of [
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "text/plain",
  "application/json; charset=latin1",
  "application/json; charset=utf-16",
  "application/jsonx",
  "application/json, text/plain",
  "",
]) {
  test(`[HTTP-16] the type ${JSON.stringify(type)} is 415 and told what to send`, async () => {
    const answer = await post("/things", '{"name":"x"}', { "Content-Type": type });
    expect([answer.status, answer.body.code]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
    expect(String(answer.body.detail)).toContain("application/json");
    expect(answer.headers.get("accept")).toBe("application/json");
  });
}

for (const type of [
  "application/json",
  "Application/JSON",
  "application/json; charset=utf-8",
  'application/json;charset="UTF-8"',
  "application/merge-patch+json",
]) {
  test(`[HTTP-16] the type ${type} is JSON`, async () => {
    expect((await post("/anything", "{}", { "Content-Type": type })).status).toBe(200);
  });
}

test("[HTTP-16] a compressed body is 415", async () => {
  const answer = await post("/things", Bun.gzipSync('{"name":"x"}'), { "Content-Encoding": "gzip" });
  expect(answer.status).toBe(415);
});

test("[HTTP-17] a route's bound is exact", async () => {
  const body = (length: number) => `{"a":"${"x".repeat(length - 8)}"}`;
  expect((await post("/small", body(100))).status).toBe(200);
  const answer = await post("/small", body(101));
  expect([answer.status, answer.body.code]).toEqual([413, "BODY_TOO_LARGE"]);
  expect(String(answer.body.detail)).toContain("100 bytes");
});

test("[HTTP-17] 40 MB are refused by their declared length, held by nobody, and the answer arrives", async () => {
  const head =
    "POST /things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\nContent-Type: application/json\r\n" +
    "Connection: close\r\nContent-Length: 40000000\r\n\r\n";
  const piece = Buffer.alloc(40_000, 0x20);
  const heldBytes = await bestOf(60_000_000, async () => {
    const before = process.memoryUsage.rss();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        converse(
          server.http,
          head,
          Array.from({ length: 1000 }, () => piece),
        ),
      ),
    );
    for (const answer of answers) expect(answer).toStartWith("HTTP/1.1 413 ");
    return process.memoryUsage.rss() - before;
  });
  // 200 MB have come by.
  expect(heldBytes).toBeLessThan(60_000_000);
});

test("[HTTP-17] a body without a declared length is refused as soon as it is too long", async () => {
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1 << 20;
      controller.enqueue(new Uint8Array(1 << 20).fill(0x20));
    },
  });
  const answer = await post("/things", endless);
  expect([answer.status, answer.body.code]).toEqual([413, "BODY_TOO_LARGE"]);
  expect(sent).toBeLessThan(12 << 20);
});

test("[HTTP-17] a declared length that is no number bounds nothing away", async () => {
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1 << 20).fill(0x20)),
  });
  const answer = await post("/things", endless, { "Content-Length": "many" });
  expect(answer.status).toBe(413);
});

test("[HTTP-18] each wrong field is named with a sentence that says what to send", async () => {
  const answer = await post("/everything", {
    name: "",
    email: "ada",
    kind: "poem",
    home: { street: 7, number: "12", extra: true },
    list: [{ street: "a", number: 1000 }, { street: "b", number: 1.5 }, {}],
    words: [1, 2, 3],
    either: [],
    id: "1",
    at: "yesterday",
    own: "y",
    zip: 1,
    "a.b": 1,
  });
  expect([answer.status, answer.body.code]).toEqual([422, "INVALID_INPUT"]);
  expect(answer.body.errors).toEqual([
    { path: "name", message: "Must have at least 2 characters." },
    { path: "email", message: "Must be an email address such as ada@example.com." },
    { path: "kind", message: 'Must be "post" or "page".' },
    { path: "home.street", message: "Must be text in quotes." },
    { path: "home.number", message: "Must be a number." },
    { path: "home.extra", message: "There is no such field here. Remove it, or correct its name." },
    { path: "list.0.number", message: "Must be at most 999." },
    { path: "list.1.number", message: "Must be a whole number." },
    { path: "list.2.street", message: "This is required: send text in quotes." },
    { path: "list.2.number", message: "This is required: send a number." },
    { path: "words", message: "Must have at most 2 items." },
    { path: "either", message: "Must be text in quotes or a number." },
    { path: "id", message: "Must be an id in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx." },
    { path: "at", message: "Must be a time such as 2026-11-21T09:30:00Z." },
    { path: "own", message: "Must begin with an x." },
    { path: "zip", message: "There is no such field here. Remove it, or correct its name." },
    { path: "a.b", message: "There is no such field here. Remove it, or correct its name." },
  ]);
});

for (const [body, message] of [
  ["null", "Must be an object."],
  ["[]", "Must be an object."],
  ['"text"', "Must be an object."],
  ["42", "Must be an object."],
] as const) {
  test(`[HTTP-18] ${body} in place of an object is named as the body's fault`, async () => {
    expect((await post("/things", body)).body.errors).toEqual([{ path: "body", message }]);
  });
}

test("[HTTP-18] ten thousand mistakes are not ten thousand sentences", async () => {
  const body = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`x${n}`, n]));
  const answer = await post("/things", { name: "x", ...body });
  expect((answer.body.errors as unknown[]).length).toBe(50);
});

for (const [what, body, path] of [
  ["an escaped NUL", '{"name":"a\\u0000b"}', "name"],
  ["an escaped lone surrogate", '{"name":"\\ud800"}', "name"],
  ["a low surrogate alone", '{"name":"x\\udc00y"}', "name"],
  ["surrogates in the wrong order", '{"name":"\\udc00\\ud800"}', "name"],
  ["one in a list", '{"name":"x","tags":["a","b\\u0000"]}', "tags.1"],
  ["one in a field that is unknown", '{"name":"x","other":"\\u0000"}', "other"],
  ["one in a name", '{"name":"x","a\\u0000":1}', "body"],
] as const) {
  test(`[HTTP-19] ${what} is refused`, async () => {
    const answer = await post("/things", body);
    expect([answer.status, answer.body.code]).toEqual([422, "INVALID_TEXT"]);
    expect(answer.body.errors).toEqual([expect.objectContaining({ path })]);
  });
}

test("[HTTP-19] a NUL in the query is refused", async () => {
  const answer = await send(server.http, "GET", "/text/a?repeat=x%00", { as: "ada" });
  expect([answer.status, answer.body.code]).toEqual([422, "INVALID_TEXT"]);
});

test("[HTTP-19] whole surrogate pairs and other controls are text", async () => {
  const answer = await post("/anything", '{"a":"\\ud83c\\udfdb \\u0001 \\u007f"}');
  expect(answer.body).toEqual({ got: { a: "🏛 \u0001 \u007f" } });
});

for (const [what, body] of [
  ["100,000 brackets", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ["100,000 objects", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
  ["65 levels", `${'{"a":'.repeat(65)}1${"}".repeat(65)}`],
  ["__proto__", '{"a":1,"__proto__":{"isAdmin":true}}'],
  ["__proto__ deep within", '{"a":[{"__proto__":null}]}'],
  ["a number beyond doubles", '{"a":1e999}'],
  ["a negative one", '{"a":[-1e999]}'],
] as const) {
  test(`[HTTP-20] ${what} is refused`, async () => {
    const answer = await post("/anything", body);
    expect([answer.status, answer.body.code]).toEqual([422, "INVALID_INPUT"]);
  });
}

test("[HTTP-20] 100,000 brackets that never close are no JSON", async () => {
  expect((await post("/anything", "[".repeat(100_000))).status).toBe(400);
});

test("[HTTP-20] 64 levels, constructor and toString are data like any other", async () => {
  const deep = `${'{"constructor":'.repeat(63)}{"toString":1}${"}".repeat(63)}`;
  expect((await post("/anything", deep)).status).toBe(200);
});

for (const [query, path] of [
  ["unknown=1", "unknown"],
  ["repeat=a&repeat=b", "repeat"],
  ["repeat=%zz", "%zz"],
  ["repeat=%C3", "%C3"],
  ["__proto__=1", "__proto__"],
  ["repeat[]=1", "repeat[]"],
] as const) {
  test(`[HTTP-21] the query ${query} is refused`, async () => {
    const answer = await send(server.http, "GET", `/text/a?${query}`, { as: "ada" });
    expect([answer.status, answer.body.code]).toEqual([422, "INVALID_INPUT"]);
    expect(answer.body.errors).toEqual([expect.objectContaining({ path })]);
  });
}

test("[HTTP-21] a parameter given twice is told so", async () => {
  const answer = await send(server.http, "GET", "/text/a?repeat=a&repeat=b", { as: "ada" });
  expect(answer.body.errors).toEqual([{ path: "repeat", message: "Give this once." }]);
});

test("[HTTP-21] a route without parameters refuses any", async () => {
  const answer = await send(server.http, "GET", "/things/top?dry_run=1", { as: "ada" });
  expect(answer.body.errors).toEqual([expect.objectContaining({ path: "dry_run" })]);
  for (const empty of ["/things/top?", "/things/top?&"]) {
    expect((await send(server.http, "GET", empty, { as: "ada" })).status).toBe(200);
  }
});

test("[HTTP-21] plus is a space, equals signs belong to the value, a name alone is empty", async () => {
  for (const [query, repeat] of [
    ["repeat=a+b%2Bc", "a b+c"],
    ["repeat=a=b", "a=b"],
    ["repeat", ""],
    ["&repeat=x&", "x"],
  ]) {
    const answer = await send(server.http, "GET", `/text/a?${query}`, { as: "ada" });
    expect(answer.body).toEqual({ name: "a", repeat });
  }
});

test("[HTTP-23] bodies that come slowly hold no connection: others are served meanwhile", async () => {
  const senders: ReadableStreamDefaultController<Uint8Array>[] = [];
  const slow = Array.from({ length: 40 }, () =>
    post("/small", new ReadableStream<Uint8Array>({ start: (controller) => void senders.push(controller) })),
  );
  // The pool has four connections; with 40 bodies half sent, each of them is free.
  for (const sender of senders) sender.enqueue(Buffer.from('{"a":'));
  expect((await post("/small", { a: "quick" })).status).toBe(200);
  for (const sender of senders) {
    sender.enqueue(Buffer.from('"x"}'));
    sender.close();
  }
  expect((await Promise.all(slow)).map(({ status }) => status)).toEqual(slow.map(() => 200));
});
