import { expect, test } from "bun:test";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { createLogger } from "./log.ts";
import { toTerminalLine } from "./terminal.ts";

function capture(level = "info") {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line), flush: () => {} };
  return { lines, log: createLogger({ level, process: "web", output }) };
}

function only(lines: readonly string[]): Record<string, unknown> {
  expect(lines).toHaveLength(1);
  expect(lines[0]?.indexOf("\n")).toBe((lines[0]?.length ?? 0) - 1);
  return JSON.parse(lines[0] ?? "");
}

test("[TEL-1] a line is one JSON object with level, time, process, sentence and fields", () => {
  const { lines, log } = capture();
  log.info({ job_id: "j1", text: "two\nlines" }, "job done");
  const line = only(lines);
  expect(line).toMatchObject({
    level: 30,
    process: "web",
    msg: "job done",
    job_id: "j1",
    text: "two\nlines",
  });
  expect(Math.abs(Date.parse(String(line.time)) - Date.now())).toBeLessThan(5000);
});

test("[TEL-2] a line below the level is not written, a request's line included", () => {
  const { lines, log } = capture("warn");
  log.info({}, "quiet");
  log.line('"a":1');
  expect(lines).toEqual([]);
  log.warn({}, "loud");
  expect(lines).toHaveLength(1);
});

test("[TEL-2] silent writes nothing", () => {
  const { lines, log } = capture("silent");
  log.error({}, "not even this");
  expect(lines).toEqual([]);
});

test("[TEL-3] children add their fields, grandchildren too", () => {
  const { lines, log } = capture();
  log.child({ request_id: "r" }).child({ job_id: "j" }).info({}, "x");
  expect(only(lines)).toMatchObject({ request_id: "r", job_id: "j", process: "web" });
});

test("[TEL-9] a finished line carries the fields of its logger too", () => {
  const { lines, log } = capture();
  log.child({ part: "x" }).line('"a":1,"msg":"done"');
  expect(only(lines)).toMatchObject({ level: 30, process: "web", part: "x", a: 1, msg: "done" });
});

test("[TEL-4] an error shows type, message, stack and cause", () => {
  const { lines, log } = capture();
  log.error({ err: new TypeError("outer", { cause: new Error("inner") }) }, "failed");
  const { err } = only(lines) as { err: Record<string, unknown> };
  expect(err).toMatchObject({ type: "TypeError", message: "outer" });
  expect(String(err.stack)).toContain("log.test.ts");
  expect(JSON.stringify(err)).toContain("inner");
});

const JWT = `eyJhbGciOiJFZERTQSJ9.${"eyJzdWIi".repeat(6)}.c2ln`;

for (const [name, fields, secret] of [
  ["an access token under any name", { x: `got ${JWT} there` }, JWT],
  [
    "an encrypted access token",
    { x: "got eyJhbGciOiJkaXIi..bm9uY2U.Y2lwaGVydGV4dA.dGFn there" },
    "Y2lwaGVydGV4dA",
  ],
  ["a one-time code", { note: "code stoacode_abcdefgh12345678 used" }, "abcdefgh12345678"],
  ["a member called password", { password: 'hu"nter2 ' }, "nter2"],
  ["a nested refresh_token", { body: { refresh_token: "abc.def" } }, "abc.def"],
  ["an API key", { note: "key stoa_abcdefgh12345678 used" }, "stoa_abcdefgh12345678"],
  ["an Authorization header", { headers: { authorization: "Basic dXNlcjpwYXNz" } }, "dXNlcjpwYXNz"],
  ["a bearer token in a sentence", { x: "sent Bearer 0123456789abcdef" }, "0123456789abcdef"],
  ["the password of an address", { url: "postgres://stoa:hunter2@db/stoa" }, "hunter2"],
  ["a ticket of a query", { url: "/live?project=1&ticket=t0psecret" }, "t0psecret"],
] as const) {
  test(`[TEL-5] ${name} is cut out`, () => {
    const { lines, log } = capture();
    log.info({ ...fields, kept: "yes" }, "x");
    expect(JSON.stringify(only(lines))).not.toContain(secret);
    expect(lines[0]).toContain("[redacted]");
    expect(only(lines)).toMatchObject({ kept: "yes", msg: "x" });
  });
}

test("[TEL-5] a long line without a secret is searched in linear time", async () => {
  const hostile = ["a.".repeat(50_000), "eyJ-".repeat(50_000), "a://b:".repeat(30_000), '"'.repeat(50_000)];
  const tookMs = await bestOf(2000, () => {
    const { log, lines } = capture();
    return msOf(() => {
      for (const text of hostile) log.info({ text }, "x");
      expect(lines).toHaveLength(4);
    });
  });
  expect(tookMs).toBeLessThan(2000);
});

test("[TEL-8] a terminal shows time, level, sentence and fields, and a stack below", () => {
  const line = {
    level: 50,
    time: "2026-11-21T09:30:01.123Z",
    process: "web",
    msg: "it broke",
    id: "a",
    n: 1,
  };
  const err = { type: "Error", message: "m", stack: "Error: m\n  at x.ts:1" };
  const colours = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
  const shown = toTerminalLine(JSON.stringify({ ...line, err })).replace(colours, "");
  expect(shown).toBe("09:30:01 error it broke id=a n=1\n    Error: m\n      at x.ts:1\n");
});

test("[TEL-8] control characters do not reach the terminal", () => {
  const line = { level: 30, time: "2026-11-21T09:30:01.123Z", msg: "a\u001b]0;title\u0007b", x: "c\u009bd" };
  const shown = toTerminalLine(JSON.stringify(line));
  expect(shown).not.toContain("\u0007");
  expect(shown).not.toContain("\u001b]");
  expect(shown).not.toContain("\u009b");
});
