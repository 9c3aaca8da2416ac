import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createLogger } from "../../kernel/telemetry/index.ts";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { createTestClock } from "../../testing/clock.ts";
import { openAgain } from "../../testing/database.ts";
import { createProject, logIn, type Person, send, share, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { join, type LiveServer, listen, openLiveServer } from "./testing/listener.ts";

const secretKey = randomBytes(32).toString("base64");
const logged: string[] = [];
const output = { write: (line: string) => void logged.push(line), flush: () => {} };
const log = createLogger({ level: "debug", process: "test", output });
const environment = { ALLOWED_ORIGINS: "https://app.example.com" };
let here: LiveServer;
let there: LiveServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  here = await openLiveServer({ secretKey, log, environment });
  there = await openLiveServer({ secretKey, log, environment, db: openAgain(here.db) });
  [ada, ben] = [await signUp(here), await signUp(here)];
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});

async function ticketOf(person: Person): Promise<string> {
  return String((await person.call("POST", "/live/tickets")).body.ticket);
}

test("[LIVE-7] a header, a ticket, a token in the address and the first frame all say who I am", async () => {
  const ways = [
    listen(here.port, "", { Authorization: `Bearer ${ada.token}` }),
    listen(here.port, `?ticket=${await ticketOf(ada)}`),
    listen(here.port, `?access_token=${ada.token}`),
    listen(here.port),
  ];
  ways[3]?.send({ type: "hello", token: ada.token });
  for (const way of ways) {
    expect(await way.first("welcome")).toEqual({
      type: "welcome",
      connection_id: expect.any(String),
      user_id: ada.userId,
      heartbeat_s: 25,
    });
    way.send({ type: "ping" });
    await way.first("pong");
    way.close();
  }
});

test("[LIVE-7] what is not valid closes with 4401, and so does whatever comes before hello", async () => {
  const bad = [
    listen(here.port, "", { Authorization: "Bearer nonsense" }),
    listen(here.port, "?ticket=nonsense"),
    listen(here.port, "?access_token=nonsense"),
    listen(here.port),
    listen(here.port),
  ];
  bad[3]?.send({ type: "hello", token: "nonsense" });
  bad[4]?.send({ type: "subscribe", project_id: ada.projectId });
  for (const each of bad) {
    expect((await each.closed()).code).toBe(4401);
    expect(each.frames).toEqual([]);
  }
});

test("[LIVE-7] who says nothing is shown out after ten seconds", async () => {
  const startedMs = performance.now();
  const silent = listen(here.port);
  expect((await silent.closed()).code).toBe(4401);
  expect(performance.now() - startedMs).toBeGreaterThan(9_000);
}, 60_000);

test("[LIVE-7] frames sent right behind the hello are heard after it", async () => {
  const listener = listen(here.port, `?ticket=${await ticketOf(ada)}`);
  listener.send({ type: "subscribe", project_id: ada.projectId });
  await listener.first("subscribed");
  expect(listener.frames.map(({ type }) => type).slice(0, 2)).toEqual(["welcome", "subscribed"]);
  listener.close();
});

test("[LIVE-8] of many who show one ticket on two processes one gets in", async () => {
  const ticket = await ticketOf(ada);
  const all = Array.from({ length: 10 }, (_, index) =>
    listen((index % 2 ? here : there).port, `?ticket=${ticket}`),
  );
  const ends = await Promise.all(
    all.map((each) =>
      Promise.race([each.first("welcome").then(() => 0), each.closed().then(({ code }) => code)]),
    ),
  );
  expect(ends.filter((code) => code === 0)).toHaveLength(1);
  expect(ends.filter((code) => code === 4401)).toHaveLength(9);
  for (const each of all) each.close();
});

test("[LIVE-8] a ticket too old, or of a session that has ended, is worth nothing", async () => {
  const old = await ticketOf(ada);
  await here.db.sql`UPDATE live_tickets SET expires_at = now() - interval '1 ms'`;
  const device = await logIn(here, ada.email);
  const orphan = await ticketOf(device);
  await device.call("POST", "/auth/logout");
  for (const ticket of [old, orphan]) {
    expect((await listen(there.port, `?ticket=${ticket}`).closed()).code).toBe(4401);
  }
  const [row] = await here.db.sql<{ hash: Uint8Array }>`SELECT hash FROM live_tickets`;
  expect(row === undefined || row.hash.length === 32).toBe(true);
});

test("[LIVE-9] a project of others is not there, and other subscriptions go on", async () => {
  const projectId = await createProject(ada);
  const listener = await join(here.port, ben.token, ben.projectId);
  for (const id of [projectId, crypto.randomUUID()]) {
    listener.send({ type: "subscribe", project_id: id });
    const refusal = await listener.first("error", (frame) => frame.project_id === id);
    expect(refusal.code).toBe("PROJECT_NOT_FOUND");
  }
  await ben.call("PATCH", `/projects/${ben.projectId}`, { name: "Still here" });
  expect(await listener.upTo(2)).toEqual([2]);
  listener.close();
});

test("[LIVE-10] a log-out closes the session's connections everywhere within a second, and no others", async () => {
  const stays = await join(there.port, ada.token, ada.projectId);
  const tookMs = await bestOf(1_000, async () => {
    const device = await logIn(here, ada.email);
    const one = await join(here.port, device.token, ada.projectId);
    const other = await join(there.port, device.token, ada.projectId);
    return msOf(async () => {
      await device.call("POST", "/auth/logout");
      expect((await one.closed()).code).toBe(4401);
      expect((await other.closed()).code).toBe(4401);
    });
  });
  expect(tookMs).toBeLessThan(1_000);
  stays.send({ type: "ping" });
  await stays.first("pong");
  stays.close();
});

test("[LIVE-11] who is taken out is closed everywhere within a second and sees nothing that happens after", async () => {
  const tookMs = await bestOf(1_000, async () => {
    const projectId = await createProject(ada);
    await share(ada, projectId, ben, "viewer");
    const owner = await join(here.port, ada.token, projectId);
    const both = [await join(here.port, ben.token, projectId), await join(there.port, ben.token, projectId)];
    const ms = await msOf(async () => {
      await ada.call("DELETE", `/projects/${projectId}/collaborators/${ben.userId}`);
      for (const each of both) {
        expect(await each.closed()).toEqual({ code: 4403, reason: `access withdrawn: ${projectId}` });
        expect(each.numbers()).toEqual([]);
      }
    });
    expect(await owner.upTo(3)).toEqual([3]);
    owner.close();
    return ms;
  });
  expect(tookMs).toBeLessThan(1_000);
});

test("[LIVE-11] also while he is still catching up, and when his removal was never heard of", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "viewer");
  const member = await join(here.port, ben.token, projectId);
  // As if the log had been set back and the event lost.
  await here.db.sql`DELETE FROM project_members WHERE project_id = ${projectId} AND user_id = ${ben.userId}`;
  await here.db.sql`UPDATE event_heads SET seq = 1 WHERE project_id = ${projectId}`;
  expect((await member.closed()).code).toBe(4403);
});

test("[LIVE-11] the end of a project closes all", async () => {
  const projectId = await createProject(ada);
  const owner = await join(there.port, ada.token, projectId);
  await ada.call("DELETE", `/projects/${projectId}`);
  expect((await owner.closed()).code).toBe(4403);
  expect(owner.frames.at(-1)).toMatchObject({ type: "event", event: "project.deleted" });
});

test("[LIVE-12] pages of other origins are refused at the door", async () => {
  const codeOf = async (origin: string) => {
    const listener = listen(here.port, "", { Origin: origin, Authorization: `Bearer ${ada.token}` });
    const end = listener.closed().then(({ code }) => code);
    const code = await Promise.race([listener.first("welcome").then(() => 0), end]);
    listener.close();
    return code;
  };
  expect(await codeOf("https://app.example.com")).toBe(0);
  expect(await codeOf(`http://127.0.0.1:${here.port}`)).toBe(0);
  expect(await codeOf("https://evil.example.com")).not.toBe(0);
  expect(await codeOf("null")).not.toBe(0);
});

test("[LIVE-32] a token that ends takes no connection with it (supabase 4223), the session does", async () => {
  const clock = createTestClock();
  const server = await openLiveServer({ clock });
  const eve = await signUp(server);
  const listener = await join(server.port, eve.token, eve.projectId);
  clock.turn(31 * 60_000);
  const late = listen(server.port);
  late.send({ type: "hello", token: eve.token });
  expect((await late.closed()).code).toBe(4401);
  const { body } = await send(server, "POST", "/auth/refresh", { body: { refresh_token: eve.refreshToken } });
  const token = String(body.access_token);
  await send(server, "PATCH", `/projects/${eve.projectId}`, { token, body: { name: "Half an hour later" } });
  expect(await listener.upTo(2)).toEqual([2]);
  await send(server, "POST", "/auth/logout", { token });
  expect((await listener.closed()).code).toBe(4401);
  await server.stop();
});

test("[LIVE-13] the logs of both processes hold no token and no ticket", async () => {
  const ticket = await ticketOf(ada);
  const unused = await ticketOf(ada);
  for (const query of [`?ticket=${ticket}`, `?ticket=${unused}x`, `?access_token=${ada.token}`]) {
    const listener = listen(here.port, query);
    await Promise.race([listener.first("welcome"), listener.closed()]);
    listener.close();
  }
  const connections = () => logged.filter((line) => line.includes('"/api/v1/live"')).length;
  await until("the lines of the connections", () => connections() > 3);
  const all = logged.join("");
  for (const secret of [ticket, unused, ada.token, ben.token]) expect(all).not.toContain(secret);
});
