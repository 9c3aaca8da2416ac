import { afterAll, beforeAll, expect, test } from "bun:test";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { type Bus, createBus } from "../bus/index.ts";
import { newId } from "../ids/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createEvents, type Events, eventMigrations, personalStreamId, type TailNews } from "./index.ts";

/** A process: its own connections, bus and tail. */
interface Process {
  readonly db: TestDatabase;
  readonly bus: Bus;
  readonly events: Events;
}

let here: Process;
let there: Process;
beforeAll(async () => {
  const db = await openTestDatabase([eventMigrations]);
  [here, there] = [await start(db), await start(openAgain(db))];
});
afterAll(async () => {
  for (const { events, bus, db } of [there, here]) {
    await events.stop();
    await bus.stop();
    await db.close();
  }
});

async function start(db: TestDatabase): Promise<Process> {
  const bus = createBus({ db, log: silentLogger });
  const events = createEvents({ db, bus, log: silentLogger, retentionDays: 30 });
  await bus.start();
  await events.start();
  return { db, bus, events };
}

async function openLog(): Promise<string> {
  const logId = newId();
  await here.db.single((tx) => here.events.open(tx, logId));
  return logId;
}

function append({ db, events }: Process, projectId: string): Promise<number> {
  const event = { projectId, event: "post.created", actorId: null, subject: projectId, data: {} };
  return db.single((tx) => events.append(tx, event));
}

async function follow({ events }: Process, logId: string) {
  const news: TailNews[] = [];
  const following = await events.tail.follow(logId, (each) => news.push(each));
  const from = following.position().seq - count(news);
  return { news, following, from, numbers: () => numbersOf(news) };
}

const numbersOf = (news: readonly TailNews[]) =>
  news.flatMap((each) => (each.type === "events" ? each.events.map(({ seq }) => seq) : []));
const count = (news: readonly TailNews[]) => numbersOf(news).length;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test("[EVT-14] followers who begin at any time hear all that comes after, once, in order", async () => {
  const logId = await openLog();
  const writers = [here, there, here, there].map(async (process) => {
    for (let index = 0; index < 100; index++) await append(process, logId);
  });
  const followers: Awaited<ReturnType<typeof follow>>[] = [];
  for (let index = 0; index < 20; index++) followers.push(await follow(index % 2 ? here : there, logId));
  await Promise.all(writers);
  for (const { numbers, from, following } of followers) {
    await until("the last event", () => numbers().at(-1) === 400 || from === 400);
    expect(numbers()).toEqual(range(from + 1, 400));
    following.stop();
  }
});

test("[EVT-14] many logs are followed by one reading, each by itself", async () => {
  const logIds = await Promise.all(range(1, 50).map(openLog));
  const followers = await Promise.all(logIds.map((logId) => follow(there, logId)));
  await Promise.all(logIds.flatMap((logId, index) => range(0, index % 5).map(() => append(here, logId))));
  for (const [index, { numbers, following }] of followers.entries()) {
    await until("its events", () => numbers().length === (index % 5) + 1);
    expect(numbers()).toEqual(range(1, (index % 5) + 1));
    following.stop();
  }
});

test("[EVT-14] who stops hears nothing more, and who comes again begins anew", async () => {
  const logId = await openLog();
  const first = await follow(here, logId);
  first.following.stop();
  await append(there, logId);
  const second = await follow(here, logId);
  await append(there, logId);
  await until("the second event", () => second.numbers().length === 1);
  expect([first.numbers(), second.numbers()]).toEqual([[], [2]]);
  second.following.stop();
});

test("[EVT-14] a follower that throws hurts no other", async () => {
  const logId = await openLog();
  const bad = await here.events.tail.follow(logId, () => {
    throw new Error("cannot bear it");
  });
  const good = await follow(here, logId);
  await append(here, logId);
  await append(here, logId);
  await until("both events", () => good.numbers().length === 2);
  bad.stop();
  good.following.stop();
});

test("[EVT-15] hints make it quick, polling makes it sure", async () => {
  const logId = await openLog();
  const follower = await follow(there, logId);
  const medianMs = await bestOf(40, async () => {
    const delays: number[] = [];
    for (let n = 0; n < 20; n++) {
      const arrive = async () => {
        const seq = await append(here, logId);
        await until("the event", () => follower.numbers().at(-1) === seq, { everyMs: 1 });
      };
      delays.push(await msOf(arrive));
    }
    return delays.sort((one, other) => one - other)[10] ?? Number.NaN;
  });
  // Polling alone would take 50 ms in the middle.
  expect(medianMs).toBeLessThan(40);
  await there.bus.stop();
  const last = await append(here, logId);
  await until("the event", () => follower.numbers().at(-1) === last);
  expect(follower.numbers()).toEqual(range(1, last));
  await there.bus.start();
  follower.following.stop();
});

test("[EVT-15] a transaction that is rolled back hints at nothing and one under way is not heard", async () => {
  const logId = await openLog();
  const follower = await follow(here, logId);
  const event = { projectId: logId, event: "post.created", actorId: null, subject: logId, data: {} };
  await here.db.transaction(async (tx) => {
    await here.events.append(tx, event);
    await follower.following.refresh();
    expect(follower.numbers()).toEqual([]);
  });
  await until("the event", () => follower.numbers().length === 1);
  follower.following.stop();
});

test("[EVT-15] the lock of NOTIFY in every commit (Recall.ai): a hint follows the commit, and a burst is a few messages", async () => {
  const logId = await openLog();
  const sent: unknown[] = [];
  const { bus, db } = here;
  const counted = {
    subscribe: bus.subscribe,
    publish: (_topic: string, message: unknown) => void sent.push(message),
  };
  const events = createEvents({ db, bus: counted, log: silentLogger, retentionDays: 30 });
  const event = { projectId: logId, event: "post.created", actorId: null, subject: logId, data: {} };
  await db.transaction(async (tx) => {
    await events.append(tx, event);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent).toEqual([]);
  });
  await until("the hint", () => sent.length === 1);
  expect(sent).toEqual([[[logId, 1]]]);
  const startedMs = performance.now();
  await Promise.all(range(1, 200).map(() => db.single((tx) => events.append(tx, event))));
  await until("the last hint", () => JSON.stringify(sent.at(-1)) === JSON.stringify([[logId, 201]]));
  expect(sent.length).toBeLessThanOrEqual((performance.now() - startedMs) / 5 + 3);
});

test("[EVT-16] with all connections cut again and again nothing is missed", async () => {
  const logId = await openLog();
  const followers = [await follow(here, logId), await follow(there, logId)];
  let last = 0;
  for (let round = 0; round < 5; round++) {
    last = await append(here, logId);
    await here.db.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`.catch(() => {});
    last = await until("the database", () => append(there, logId).catch(() => undefined));
  }
  for (const { numbers, following } of followers) {
    await until("the last event", () => numbers().at(-1) === last);
    expect(numbers()).toEqual(range(1, last));
    following.stop();
  }
});

test("[EVT-17] events dropped unheard, a log set back and a new epoch are told, and it goes on from there", async () => {
  const logId = await openLog();
  const follower = await follow(here, logId);
  const resets = () => follower.news.flatMap((each) => (each.type === "reset" ? [each.position] : []));
  await append(here, logId);
  await until("the event", () => follower.numbers().length === 1);

  await here.db.transaction(async (tx) => {
    await tx`UPDATE event_heads SET seq = 9, floor = 10 WHERE project_id = ${logId}`;
  });
  await until("the gap", () => resets().length === 1);
  expect(resets()[0]?.seq).toBe(9);
  await here.db.sql`UPDATE event_heads SET seq = 1 WHERE project_id = ${logId}`;
  await until("the step back", () => resets().length === 2);
  const before = follower.following.position().epoch;
  await here.db.sql`UPDATE event_log SET epoch = gen_random_uuid()`;
  await until("the new epoch", () => resets().length === 3);
  expect(resets()[2]?.epoch).not.toBe(before);
  expect(resets()[2]?.seq).toBe(1);
  await append(there, logId);
  await until("the next event", () => follower.numbers().length === 2);
  expect(follower.numbers()).toEqual([1, 2]);
  follower.following.stop();
});

test("[EVT-18] a personal stream is numbered for itself and made by its first event, also by two at once", async () => {
  const userId = newId();
  await here.db.single((tx) => here.events.open(tx, userId));
  const event = { event: "project.shared", actorId: null, subject: userId, data: {} };
  const tell = ({ db, events }: Process) => db.transaction((tx) => events.appendPersonal(tx, userId, event));
  const seqs = await Promise.all(range(1, 10).map((index) => tell(index % 2 ? here : there)));
  expect(seqs.sort((one, other) => one - other)).toEqual(range(1, 10));
  await append(here, userId);
  const page = await here.events.history(here.db.sql, personalStreamId(userId), 0, 100);
  expect([page.seq, page.items.length]).toEqual([10, 10]);
  expect((await here.events.history(here.db.sql, userId, 0, 100)).seq).toBe(1);
});
