import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ForbiddenCall, type KeyActor, route } from "./index.ts";
import { checkRoutes } from "./mounting.ts";
import { idParams, openTestHttp, type TestHttp, thing } from "./test-http.ts";

const ID = "0190a000-0000-7000-8000-000000000001";

let server: TestHttp;
const forbidden: ForbiddenCall[] = [];
beforeAll(async () => {
  server = await openTestHttp(() => [
    route({ ...thing, method: "GET", path: "/mine", operationId: "mine" }, async ({ actor }) => ({
      status: 200,
      body: { by: actor.userId },
    })),
    route(
      {
        ...thing,
        access: "user or key",
        permission: "things.read",
        method: "GET",
        path: "/both/{id}",
        operationId: "both",
        params: idParams,
      },
      async ({ actor }) => ({ status: 200, body: { by: actor.kind } }),
    ),
    route(
      {
        ...thing,
        access: "user or key",
        permission: "things.write",
        method: "POST",
        path: "/both",
        operationId: "make",
        isIdempotent: true,
      },
      ({ actor, write }) => write(async () => ({ status: 201, body: { by: actor.kind } })),
    ),
  ]);
  const keys: Record<string, KeyActor> = {
    "key.read": key("k1", "things.read"),
    "key.write": key("k2", "things.write"),
  };
  server.http.useKeyAuthenticator(
    (token) => token.startsWith("key."),
    async (token) => keys[token],
  );
  server.http.onForbidden((call) => void forbidden.push(call));
});
afterAll(() => server.close());

function key(keyId: string, permission: string): KeyActor {
  const permissions = new Set([permission]);
  return { kind: "api_key", keyId, projectId: "p", creatorId: "ada", permissions, expiresAt: Infinity };
}

async function ask(method: string, path: string, token: string, headers: Record<string, string> = {}) {
  const answer = await server.http.fetch(
    new Request(`http://stoa.test${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, ...headers },
    }),
  );
  // Every body here is a JSON object.
  const body = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, body, replayed: answer.headers.get("Idempotency-Replayed") };
}

test("[HTTP-54] a key comes in where a route takes keys, with the route's permission", async () => {
  const cases: [method: string, path: string, token: string, status: number, what: string][] = [
    ["GET", "/mine", "ada.s", 200, "ada"],
    ["GET", "/mine", "key.read", 403, "KEY_NOT_ALLOWED"],
    ["GET", "/mine", "key.unknown", 401, "UNAUTHENTICATED"],
    ["GET", `/both/${ID}`, "ada.s", 200, "user"],
    ["GET", `/both/${ID}`, "key.read", 200, "api_key"],
    ["GET", `/both/${ID}`, "key.write", 403, "KEY_SCOPE_MISSING"],
    ["GET", `/both/${ID}`, "key.unknown", 401, "UNAUTHENTICATED"],
    ["POST", "/both", "key.read", 403, "KEY_SCOPE_MISSING"],
    ["POST", "/both", "key.write", 201, "api_key"],
  ];
  for (const [method, path, token, status, what] of cases) {
    const answer = await ask(method, path, token);
    expect([path, token, answer.status, answer.body.code ?? answer.body.by]).toEqual([
      path,
      token,
      status,
      what,
    ]);
  }
  const missing = await ask("POST", "/both", "key.read");
  expect(missing.body.permission).toBe("things.write");
});

test("[HTTP-54] a route that takes keys without a permission, or names one and takes none, is not mounted", () => {
  const odd = { ...thing, method: "GET", path: "/odd", operationId: "odd" } as const;
  const permission = "things.read";
  const ok = async () => ({ status: 200 });
  const mistakes = [
    route({ ...odd, access: "user or key" }, ok),
    route({ ...odd, access: "user", permission }, ok),
    route({ ...odd, access: "public", permission }, ok),
  ];
  for (const each of mistakes) expect(() => checkRoutes([], [each])).toThrow("names the permission");
  expect(() => checkRoutes([], [route({ ...odd, access: "user or key", permission }, ok)])).not.toThrow();
});

test("[HTTP-35] a key's Idempotency-Keys are not its creator's", async () => {
  const headers = { "Idempotency-Key": "one" };
  expect((await ask("POST", "/both", "key.write", headers)).replayed).toBeNull();
  expect((await ask("POST", "/both", "ada.s", headers)).replayed).toBeNull();
  expect((await ask("POST", "/both", "key.write", headers)).replayed).toBe("true");
});

test("[HTTP-11] the access log says which key it was, and never the key", async () => {
  await ask("GET", `/both/${ID}`, "key.read");
  const line = server.lines.findLast((each) => each.msg === "request");
  expect([line?.user_id, line?.api_key_id]).toEqual(["ada", "k1"]);
  expect(JSON.stringify(server.lines)).not.toContain("key.read");
});

test("[HTTP-55] a forbidden request is told with who, from where and what it named; other refusals are not", async () => {
  forbidden.length = 0;
  await ask("GET", `/both/${ID}`, "key.write");
  await ask("GET", "/mine", "key.unknown");
  await ask("GET", "/nothing", "ada.s");
  expect(
    forbidden.map(({ code, operationId, actor, address }) => [code, operationId, actor.kind, address]),
  ).toEqual([["KEY_SCOPE_MISSING", "both", "api_key", "127.0.0.1"]]);
});
