import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { openAgain } from "../../testing/database.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import {
  type Frame,
  join,
  type Listener,
  type LiveServer,
  listen,
  openLiveServer,
} from "./testing/listener.ts";

const secretKey = randomBytes(32).toString("base64");
const environment = { LIVE_CONNECTIONS_PER_USER: "1000" };
let here: LiveServer;
let there: LiveServer;
let ada: Person;
let ben: Person;
let projectId: string;
beforeAll(async () => {
  here = await openLiveServer({ secretKey, environment });
  there = await openLiveServer({ secretKey, environment, db: openAgain(here.db) });
  [ada, ben] = [await signUp(here, { name: "Ada" }), await signUp(here)];
  projectId = await createProject(ada);
  await share(ada, projectId, ben, "viewer");
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});

const changes = (listener: Listener, change?: string): Frame[] =>
  listener.frames.filter(
    (frame) => frame.type === "presence" && (change === undefined || frame.change === change),
  );
const idOf = async (listener: Listener) => String((await listener.first("welcome")).connection_id);

async function emptied(): Promise<void> {
  await until("nobody online", async () => {
    const { body } = await ada.call("GET", `/projects/${projectId}/status`);
    return (body.online_users as unknown[]).length === 0;
  });
}

test("[LIVE-22] joins and leaves are told once, on both processes, and the list says who is there", async () => {
  const [one, other] = [
    await join(here.port, ada.token, projectId),
    await join(there.port, ada.token, projectId),
  ];
  await until("each other", () => changes(one, "joined").length === 1);
  const guest = await join(there.port, ben.token, projectId);
  const guestId = await idOf(guest);
  for (const listener of [one, other]) {
    await until("the join", () =>
      changes(listener, "joined").some((frame) => frame.connection_id === guestId),
    );
  }
  expect(changes(one, "joined").at(-1)).toEqual({
    type: "presence",
    project_id: projectId,
    change: "joined",
    user_id: ben.userId,
    connection_id: guestId,
    status: "active",
    state: null,
  });
  const { online } = await guest.first("subscribed");
  expect(online).toEqual([
    {
      user_id: ada.userId,
      status: "active",
      connections: expect.arrayContaining([{ connection_id: await idOf(other), state: null }]),
    },
  ]);
  guest.close();
  for (const listener of [one, other]) {
    await until("the leave", () =>
      changes(listener, "left").some((frame) => frame.connection_id === guestId),
    );
  }
  // A reading of the database must not tell again what a message has told.
  await until("two readings", async () => (await beats()) >= 2);
  for (const listener of [one, other]) {
    const ofGuest = changes(listener).filter((frame) => frame.connection_id === guestId);
    expect(ofGuest.map(({ change }) => change)).toEqual(["joined", "left"]);
    listener.close();
  }
  await emptied();
}, 60_000);

/** How often both processes have beaten since the first call of a test. */
let firstBeat: number | undefined;
async function beats(): Promise<number> {
  const [row] = await here.db.sql<{ ms: number }>`
    SELECT (extract(epoch FROM min(beat_at)) * 1000)::float8 AS ms FROM live_processes`;
  firstBeat ??= row?.ms ?? 0;
  return ((row?.ms ?? 0) - firstBeat) / 2_000;
}

test("[LIVE-22] with every message lost, the database tells of joins and leaves", async () => {
  const watcher = await join(here.port, ada.token, projectId);
  await there.kernel.bus.stop();
  const guest = await join(there.port, ben.token, projectId);
  await until("the join", () => changes(watcher, "joined").length === 1);
  guest.close();
  await until("the leave", () => changes(watcher, "left").length === 1);
  await there.kernel.bus.start();
  watcher.close();
  await emptied();
}, 60_000);

test("[LIVE-23] several connections are one user, as present as the most present of them", async () => {
  const watcher = await join(here.port, ada.token, projectId);
  const [desk, phone] = [
    await join(here.port, ben.token, projectId),
    await join(there.port, ben.token, projectId),
  ];
  const tell = (listener: Listener, status: string) =>
    listener.send({ type: "presence", project_id: projectId, state: { status } });
  const shown = (status: string) =>
    until(status, async () => {
      const { body } = await ada.call("GET", `/projects/${projectId}/status`);
      const users = body.online_users as { user_id: string; status: string }[];
      return (
        users
          .filter((user) => user.user_id === ben.userId)
          .map((user) => user.status)
          .join() === status
      );
    });
  tell(desk, "idle");
  await shown("active");
  tell(phone, "away");
  await shown("idle");
  const last = await watcher.first(
    "presence",
    (frame) => frame.change === "updated" && frame.status === "idle",
  );
  expect(last.user_id).toBe(ben.userId);
  desk.close();
  await shown("away");
  phone.close();
  watcher.close();
  await emptied();
});

test("[LIVE-24] presence lost with its node (phoenix_pubsub 103): what a dead process had is gone after its lease, last seen kept", async () => {
  const watcher = await join(here.port, ada.token, projectId);
  // What a process leaves behind that was killed: rows, and a beat that gets older.
  const [processId, connectionId] = [crypto.randomUUID(), crypto.randomUUID()];
  await here.db.sql`INSERT INTO live_processes (id) VALUES (${processId})`;
  await here.db.sql`INSERT INTO live_presence (project_id, connection_id, user_id, process_id, status)
    VALUES (${projectId}, ${connectionId}, ${ben.userId}, ${processId}, 'active')`;
  await watcher.first(
    "presence",
    (frame) => frame.change === "joined" && frame.connection_id === connectionId,
  );
  const startedMs = performance.now();
  await until("its end", () => changes(watcher, "left").length === 1, { withinMs: 30_000 });
  // The lease is ten seconds and the look for it three: the rest is for a machine that stalls.
  expect(performance.now() - startedMs).toBeLessThan(20_000);
  expect(changes(watcher, "left")[0]).toMatchObject({ user_id: ben.userId, connection_id: connectionId });
  const [seen] = await until("when", async () => {
    const rows = await here.db.sql<{ ms: number }>`
      SELECT extract(epoch FROM now() - at)::float8 * 1000 AS ms FROM live_last_seen
      WHERE project_id = ${projectId} AND user_id = ${ben.userId}`;
    return (rows[0]?.ms ?? 0) > 5_000 && rows;
  });
  expect(seen?.ms).toBeGreaterThan(8_000);
  watcher.close();
  await emptied();
}, 60_000);

test("[LIVE-24] a process whose rows were taken away while it was paused writes them again", async () => {
  const listener = await join(there.port, ben.token, projectId);
  await until("the row", async () => (await here.db.sql`SELECT 1 FROM live_presence`).length === 1);
  await here.db.sql`DELETE FROM live_presence`;
  await here.db.sql`DELETE FROM live_processes`;
  await until("the row again", async () => (await here.db.sql`SELECT 1 FROM live_presence`).length === 1);
  listener.close();
  await emptied();
}, 60_000);

test("[LIVE-25] a cursor reaches the others on both processes, few of its moves and the last for sure", async () => {
  const [one, other] = [
    await join(here.port, ada.token, projectId),
    await join(there.port, ada.token, projectId),
  ];
  const mover = await join(here.port, ben.token, projectId);
  const moverId = await idOf(mover);
  await until("known", () => changes(other, "joined").some((frame) => frame.connection_id === moverId));
  const startedMs = performance.now();
  for (let x = 1; x <= 150; x++) mover.send({ type: "presence", project_id: projectId, state: { x } });
  const moves = (listener: Listener) =>
    changes(listener, "updated").map((frame) => (frame.state as { x: number }).x);
  for (const listener of [one, other]) {
    await until("the last move", () => moves(listener).at(-1) === 150);
    expect(moves(listener).length).toBeLessThanOrEqual((performance.now() - startedMs) / 50 + 1);
  }
  const late = await join(there.port, ada.token, projectId);
  expect(JSON.stringify((await late.first("subscribed")).online)).toContain('{"x":150}');
  const columns = await here.db.sql`SELECT * FROM live_presence WHERE connection_id = ${moverId}`;
  expect(JSON.stringify(columns)).not.toContain("150}");
  for (const each of [one, other, mover, late]) each.close();
  await emptied();
});

test("[LIVE-25] four kibibytes pass whole between processes, more is refused", async () => {
  const watcher = await join(there.port, ada.token, projectId);
  const mover = await join(here.port, ben.token, projectId);
  await until("known", () => changes(watcher, "joined").length === 1);
  const fits = { text: '"é'.repeat(900), pad: "" };
  fits.pad = "x".repeat(4096 - Buffer.byteLength(JSON.stringify(fits)));
  mover.send({ type: "presence", project_id: projectId, state: fits });
  expect((await watcher.first("presence", (frame) => frame.change === "updated")).state).toEqual(fits);
  mover.send({ type: "presence", project_id: projectId, state: { ...fits, pad: `${fits.pad}x` } });
  expect((await mover.first("error")).code).toBe("FRAME_TOO_LARGE");
  mover.send({ type: "presence", project_id: crypto.randomUUID(), state: {} });
  await mover.first("error", ({ code }) => code === "NOT_SUBSCRIBED");
  for (const each of [watcher, mover]) each.close();
  await emptied();
});

test("[LIVE-31] awareness that can be forged (y-protocols): nobody speaks for another", async () => {
  const watcher = await join(there.port, ada.token, projectId);
  const [mover, forger] = [
    await join(here.port, ada.token, projectId),
    await join(here.port, ben.token, projectId),
  ];
  const forgerId = await idOf(forger);
  const foreign = { user_id: ada.userId, connection_id: await idOf(mover) };
  for (const name of Object.keys(foreign) as (keyof typeof foreign)[]) {
    const frame = { type: "presence", project_id: projectId, state: {}, [name]: foreign[name] };
    forger.send(frame);
  }
  const errors = () => forger.frames.filter(({ type }) => type === "error");
  await until("the refusals", () => errors().length === 2);
  expect(new Set(errors().map(({ code }) => code))).toEqual(new Set(["INVALID_FRAME"]));
  forger.send({ type: "presence", project_id: projectId, state: { ...foreign, change: "left" } });
  await watcher.first("presence", (frame) => frame.change === "updated");
  expect(changes(watcher, "updated")).toEqual([
    {
      type: "presence",
      project_id: projectId,
      change: "updated",
      user_id: ben.userId,
      connection_id: forgerId,
      status: "active",
      state: { ...foreign, change: "left" },
    },
  ]);
  for (const each of [watcher, mover, forger]) each.close();
  await emptied();
});

test("[LIVE-26] the status names who is online, and where the log stands", async () => {
  const mine = await join(here.port, ada.token, projectId);
  const answer = await until("Ada online", async () => {
    const { status, body } = await ben.call("GET", `/projects/${projectId}/status`);
    return status === 200 && body.active_collaborators === 1 && body;
  });
  expect(answer).toEqual({
    active_collaborators: 1,
    online_users: [{ user_id: ada.userId, name: "Ada", last_seen: expect.any(String), status: "active" }],
    seq: 2,
    epoch: expect.any(String),
    live_url: expect.stringContaining(`/api/v1/projects/${projectId}/live`),
  });
  mine.close();
  await emptied();
});

test("[LIVE-27] a crowd is not told of each of its members", async () => {
  const crowded = await createProject(ada);
  const all = Array.from({ length: 260 }, () =>
    listen(here.port, "", { Authorization: `Bearer ${ada.token}` }),
  );
  for (const each of all) each.send({ type: "subscribe", project_id: crowded });
  for (const each of all) await each.first("subscribed");
  const told = all.reduce((sum, each) => sum + changes(each).length, 0);
  // Each of the first 200 is told to those before.
  expect(told).toBeLessThanOrEqual((200 * 199) / 2);
  const late = await join(there.port, ada.token, crowded);
  const { online } = await late.first("subscribed");
  const listed = (online as { connections: unknown[] }[]).flatMap(({ connections }) => connections);
  expect(listed).toHaveLength(200);
  for (const each of [...all, late]) each.close();
}, 60_000);
