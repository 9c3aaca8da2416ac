import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { systemClock } from "../clock/index.ts";
import { readConfig } from "../config/index.ts";
import { createMetrics, silentLogger } from "../telemetry/index.ts";
import { createHttp, type HttpServer, route } from "./index.ts";

let db: TestDatabase;
let http: HttpServer;
beforeAll(async () => {
  db = await openTestDatabase();
  const { config } = readConfig({ PORT: "0" });
  http = createHttp({ config, db, log: silentLogger, metrics: createMetrics(), clock: systemClock });
  http.useAuthenticator((token) =>
    token === "good" ? { kind: "user", userId: "u", sessionId: "s", expiresAt: 0 } : undefined,
  );
  http.mount([
    route(
      {
        method: "GET",
        path: "/things/{id}",
        operationId: "getThing",
        tag: "things",
        summary: "a thing",
        access: "user",
        params: z.strictObject({ id: z.uuid() }),
        responses: { 200: { description: "it" } },
      },
      async ({ params, actor }) => ({ status: 200, body: { id: params.id, by: actor.userId } }),
    ),
    route(
      {
        method: "POST",
        path: "/things",
        operationId: "createThing",
        tag: "things",
        summary: "a thing",
        access: "user",
        body: z.strictObject({ name: z.string().min(1) }),
        isIdempotent: true,
        responses: { 201: { description: "it" } },
      },
      async ({ body, write }) => write(async () => ({ status: 201, body })),
    ),
  ]);
});
afterAll(() => db.close());

const auth = { authorization: "Bearer good" };

test("[HTTP-1] a route answers with JSON to an authenticated caller", async () => {
  const id = crypto.randomUUID();
  const response = await http.fetch(new Request(`http://x/things/${id}`, { headers: auth }));
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ id, by: "u" });
});
test("[HTTP-1] a write answers with what it returned", async () => {
  const request = new Request("http://x/things", { method: "POST", headers: auth, body: '{"name":"a"}' });
  request.headers.set("content-type", "application/json");
  const response = await http.fetch(request);
  expect([response.status, await response.json()]).toEqual([201, { name: "a" }]);
});
