import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { openAgain } from "../../testing/database.ts";
import { createProject, logIn, type Person, signUp } from "../../testing/requests.ts";
import { openTestServer } from "../../testing/server.ts";
import { join, type LiveServer, openLiveServer } from "./testing/listener.ts";
import { read } from "./testing/reader.ts";

const secretKey = randomBytes(32).toString("base64");
let server: LiveServer;
let owner: Person;
let projectId: string;
beforeAll(async () => {
  server = await openLiveServer({ secretKey });
  owner = await signUp(server);
  projectId = await createProject(owner);
});
afterAll(() => server.stop());

test("[ACC-119] a session that ends by age alone takes its socket and its stream with it, and no others", async () => {
  const aged = await logIn(server, owner.email);
  const { session_id: sessionId } = (await aged.call("GET", "/auth/verify")).body;
  const other = await join(server.port, owner.token, projectId);
  const socket = await join(server.port, aged.token, projectId);
  const stream = await read(server.port, projectId, { headers: { Authorization: `Bearer ${aged.token}` } });
  await stream.first("subscribed");
  await server.db.sql`UPDATE sessions SET created_at = created_at - interval '31 days'
    WHERE id = ${String(sessionId)}`;
  // Any process ends it: this one looks for such sessions when it starts, and then every ten seconds.
  const second = await openTestServer({ db: openAgain(server.db), secretKey, works: false });
  expect(await socket.closed()).toEqual({ code: 4401, reason: "the session has ended" });
  await stream.ended();
  expect(stream.messages.at(-1)?.data).toMatchObject({ type: "error", code: "SESSION_ENDED" });
  other.send({ type: "ping" });
  await other.first("pong");
  other.close();
  await second.stop();
});
