import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Sql, Tx } from "../../kernel/db/index.ts";
import { silentLogger } from "../../kernel/telemetry/index.ts";
import { createTestClock } from "../../testing/clock.ts";
import { makeKey } from "../../testing/key-refusals.ts";
import { createProject, type Person, send, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { createKeyring } from "./keyring.ts";

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  ada = await signUp(server);
});
afterAll(() => server.stop());

/** A keyring of its own beside the server's, that counts its statements; `onKey` runs when it has just read a key. */
function openRing() {
  const watched = { keys: 0, notes: 0, onKey: async () => {} };
  const count = (text: string) => {
    if (text.includes("k.hash")) watched.keys += 1;
    if (text.includes("last_used_at = now()")) watched.notes += 1;
  };
  function watch<S extends Sql>(inner: S): S {
    const run = (text: TemplateStringsArray, ...values: unknown[]) => {
      count(text.join(""));
      const query = inner(text, ...values);
      if (!text.join("").includes("k.hash")) return query;
      return query.then(async (rows) => {
        await watched.onKey();
        return rows;
      });
    };
    // The keyring awaits its queries and asks nothing else of them.
    return Object.assign(run, {
      unsafe: inner.unsafe,
      afterCommit: (inner as Sql & Partial<Tx>).afterCommit,
    }) as unknown as S;
  }
  const db: typeof server.db = {
    ...server.db,
    sql: watch(server.db.sql),
    single: (run, options) => server.db.single((tx) => run(watch(tx)), options),
  };
  const clock = createTestClock();
  const ring = createKeyring({ db, bus: server.kernel.bus, clock, log: silentLogger });
  return { ring, clock, watched };
}

type Ring = ReturnType<typeof openRing>["ring"];

async function untilRemembered(ring: Ring, token: string): Promise<void> {
  await ring.start();
  await until("memory to be fresh", async () => {
    const found = ring.authenticate(token);
    await found;
    return !(found instanceof Promise);
  });
}

async function keysOf(projectId: string): Promise<{ id: string; last_used_at: string | null }[]> {
  const answer = await ada.call("GET", `/api-keys?project_id=${projectId}`);
  // As apiKeyView describes them.
  return answer.body.items as { id: string; last_used_at: string | null }[];
}

test("[PRJ-47] a key that is ended while it is looked up is not remembered", async () => {
  const id = await createProject(ada);
  const token = await makeKey(ada, id, ["read"]);
  const { ring, clock, watched } = openRing();
  await untilRemembered(ring, token);
  clock.turn(5_000);
  watched.onKey = async () => {
    watched.onKey = async () => {};
    await ada.call("DELETE", `/api-keys/${(await keysOf(id))[0]?.id}`);
    // The keyring itself hears of an ending before the row that it has asked for is there.
    await server.db.transaction((tx) => ring.end(tx));
  };
  expect(await ring.authenticate(token)).toMatchObject({ projectId: id });
  clock.turn(-5_000);
  expect(await ring.authenticate(token)).toBeUndefined();
  await ring.stop();
});

test("[PRJ-48] a key is dead from its end on: in memory by the process's clock, else by the database's too", async () => {
  const id = await createProject(ada);
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
  const token = await makeKey(ada, id, ["read"], { expires_at: inSeconds(600) });
  const { ring, clock } = openRing();
  clock.turn(540_000);
  await untilRemembered(ring, token);
  clock.turn(60_000);
  expect(await ring.authenticate(token)).toBeUndefined();
  await ring.stop();

  const other = await makeKey(ada, id, ["read"], { expires_at: inSeconds(60) });
  await server.db.sql`UPDATE api_keys SET expires_at = now() WHERE project_id = ${id}`;
  expect((await send(server, "GET", `/projects/${id}`, { token: other })).status).toBe(401);
});

test("[PRJ-50] a key once seen is found again without the database, and asked for when there was no news", async () => {
  const id = await createProject(ada);
  const token = await makeKey(ada, id, ["read"]);
  const { ring, clock, watched } = openRing();
  // Not started: it hears nothing, and so asks each time.
  await ring.authenticate(token);
  await ring.authenticate(token);
  expect(watched.keys).toBe(2);
  await untilRemembered(ring, token);
  const before = watched.keys;
  for (let n = 0; n < 1_000; n++) expect(ring.authenticate(token)).not.toBeInstanceOf(Promise);
  expect(watched.keys).toBe(before);
  clock.turn(3_001);
  expect(await ring.authenticate(token)).toBeDefined();
  expect(watched.keys).toBe(before + 1);
  await ring.stop();
});

test("[PRJ-51] no request waits for the note of a key's use", async () => {
  const id = await createProject(ada);
  const token = await makeKey(ada, id, ["read"]);
  const { ring, watched } = openRing();
  const [key] = await keysOf(id);
  expect(key?.last_used_at).toBeNull();
  await server.db.transaction(async (tx) => {
    // Whoever waited for the row would wait for us.
    await tx`SELECT FROM api_keys WHERE id = ${key?.id} FOR UPDATE`;
    for (let n = 0; n < 20; n++) expect(await ring.authenticate(token)).toBeDefined();
    expect(watched.notes).toBe(1);
  });
  await ring.stop();
  expect((await keysOf(id))[0]?.last_used_at).not.toBeNull();
});

test("[PRJ-51] a key's use is written once a minute, whichever process sees it", async () => {
  const id = await createProject(ada);
  const token = await makeKey(ada, id, ["read"]);
  const [first, second] = [openRing(), openRing()];
  for (const { ring } of [first, second]) {
    await untilRemembered(ring, token);
    for (let n = 0; n < 20; n++) await ring.authenticate(token);
    await ring.stop();
  }
  expect([first.watched.notes, second.watched.notes]).toEqual([1, 1]);
  const [row] = await server.db.sql<{
    xmin: string;
  }>`SELECT xmin::text AS xmin FROM api_keys WHERE project_id = ${id}`;
  first.clock.turn(60_000);
  await first.ring.authenticate(token);
  await first.ring.stop();
  expect(first.watched.notes).toBe(2);
  // The minute is over for that process only: nothing was written.
  const [same] = await server.db.sql<{
    xmin: string;
  }>`SELECT xmin::text AS xmin FROM api_keys WHERE project_id = ${id}`;
  expect(same).toEqual(row);
});
