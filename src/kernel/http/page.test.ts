import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { decodeCursor, encodeCursor, pageQuery, route, toPage } from "./index.ts";
import { openTestHttp, send, type TestHttp, thing } from "./test-http.ts";

const key = z.tuple([z.int(), z.string()]);
let server: TestHttp;
beforeAll(async () => {
  server = await openTestHttp((db) => [
    route(
      {
        ...thing,
        method: "GET",
        path: "/{name}",
        operationId: "list",
        params: z.strictObject({ name: z.string() }),
        query: z.strictObject({ ...pageQuery, author: z.string().optional(), kind: z.string().optional() }),
      },
      async ({ query: { limit, cursor } }) => {
        const [after] = decodeCursor(cursor, key) ?? [0];
        const rows = await db.sql<{ id: number }>`
          SELECT id FROM things WHERE id > ${after} ORDER BY id LIMIT ${limit + 1}`;
        return {
          status: 200,
          body: toPage(
            rows,
            limit,
            (row) => row.id,
            (row) => [row.id, "x"],
          ),
        };
      },
    ),
  ]);
  await server.db.sql`INSERT INTO things (name) SELECT 'n' || n FROM generate_series(1, 45) n`;
});
afterAll(() => server.close());

const list = (query: string) => send(server.http, "GET", `/list${query}`, { as: "ada" });
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

test("[HTTP-29] pages follow each other to the end, each item once", async () => {
  const first = await list("");
  expect(first.body.items).toEqual(range(1, 20));
  const second = await list(`?cursor=${first.body.next_cursor}`);
  expect(second.body.items).toEqual(range(21, 40));
  const third = await list(`?cursor=${second.body.next_cursor}`);
  expect(third.body).toEqual({ items: range(41, 45), next_cursor: null });
});

test("[HTTP-29] a page that just fits is the last", async () => {
  expect((await list("?limit=45")).body.next_cursor).toBeNull();
  expect((await list("?limit=44")).body.next_cursor).not.toBeNull();
});

for (const limit of ["0", "101", "-1", "1.5", "1e1", "0x10", "", "ten", " 5", "99999999999999999999"]) {
  test(`[HTTP-29] the limit ${JSON.stringify(limit)} is refused`, async () => {
    const answer = await list(`?limit=${encodeURIComponent(limit)}`);
    expect([answer.status, answer.body.code]).toEqual([422, "INVALID_INPUT"]);
    expect(answer.body.errors).toEqual([{ path: "limit", message: "Must be a whole number from 1 to 100." }]);
  });
}

test("[HTTP-29] the bounds themselves are taken", async () => {
  expect(((await list("?limit=1")).body.items as number[]).length).toBe(1);
  expect((await list("?limit=100")).status).toBe(200);
});

const base64 = (text: string) => Buffer.from(text).toString("base64url");
for (const [what, cursor] of [
  ["not base64url", "a+b/c="],
  ["no JSON", base64("hello")],
  ["no list", base64('{"a":1}')],
  ["a list of the wrong length", base64("[1]")],
  ["a list of the wrong kinds", base64('["1","x"]')],
  ["a NUL", base64('[1,"\\u0000"]')],
  ["a lone surrogate", base64('[1,"\\ud800"]')],
  ["no UTF-8", Buffer.from([0x5b, 0x31, 0x2c, 0x22, 0xff, 0x22, 0x5d]).toString("base64url")],
  ["empty", ""],
  ["endless", base64(`[1,"${"x".repeat(5000)}"]`)],
  ["deep", base64(`${"[".repeat(300)}${"]".repeat(300)}`)],
] as const) {
  test(`[HTTP-30] a cursor that is ${what} is refused`, async () => {
    const answer = await list(`?cursor=${encodeURIComponent(cursor)}`);
    expect([answer.status, answer.body.code]).toEqual([422, "INVALID_CURSOR"]);
    // Also without the mark of the list, which is checked before it.
    expect(() => decodeCursor(cursor, key)).toThrow(expect.objectContaining({ code: "INVALID_CURSOR" }));
  });
}

test("[HTTP-30] a cursor is good for its own list and filters alone, whatever their order and the limit", async () => {
  const { body } = await list("?author=ada&kind=a%20b");
  const ask = async (path: string) => {
    const answer = await send(server.http, "GET", path, { as: "ada" });
    return answer.body.code ?? (answer.body.items as number[])[0];
  };
  const cursor = String(body.next_cursor);
  expect(await ask(`/list?limit=1&kind=a+b&cursor=${cursor}&author=ada`)).toBe(21);
  const changed = `${cursor.startsWith("W") ? "X" : "W"}${cursor.slice(1)}`;
  for (const path of [
    `/other?author=ada&kind=a+b&cursor=${cursor}`,
    `/list?cursor=${cursor}`,
    `/list?author=ada&cursor=${cursor}`,
    `/list?author=ben&kind=a+b&cursor=${cursor}`,
    `/list?author=ada&kind=a+b&cursor=${changed}`,
    `/list?author=ada&kind=a+b&cursor=${cursor.slice(0, -1)}`,
    `/list?author=ada&kind=a+b&cursor=${cursor}A`,
  ]) {
    expect([path, await ask(path)]).toEqual([path, "INVALID_CURSOR"]);
  }
});

test("[HTTP-30] any key comes back as it was put in", () => {
  for (const text of ["", "a", "café 🏛", "\u0001", "\\u0041", '"', "\ufffd"]) {
    expect(decodeCursor(encodeCursor([1, text]), key)).toEqual([1, text]);
  }
});
