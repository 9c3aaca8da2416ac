import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Database, Tx } from "../../kernel/db/index.ts";
import { newId } from "../../kernel/ids/index.ts";
import type { JobContext } from "../../kernel/jobs/index.ts";
import { silentLogger } from "../../kernel/telemetry/index.ts";
import { createChance } from "../../testing/chance.ts";
import { createTestClock } from "../../testing/clock.ts";
import { listEvents } from "../../testing/expectations.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import { createProject, type Person, send, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { createAccounts } from "../accounts/index.ts";
import { createProjects } from "../projects/index.ts";
import { createTexts } from "./index.ts";
import { createAnalyseTask } from "./jobs.ts";
import { createTokenizer } from "./tokenizer/tokenizer.ts";
import { createWordIndex } from "./word-index/index.ts";

/** One process runs jobs; the other only takes requests, so that its paragraphs wait for runs that the test makes. */
let server: TestServer;
let ada: Person;
const clock = createTestClock();
const SECRET = Buffer.alloc(32, 7).toString("base64");
beforeAll(async () => {
  server = await openTestServer({ secretKey: SECRET, clock });
  ada = await signUp(server);
});
afterAll(() => server.stop());

async function handIn(
  projectId: string,
  paragraphs: readonly string[],
  via: Person = ada,
): Promise<string[]> {
  const { status, body } = await via.call("POST", "/paragraphs", { paragraphs, project_id: projectId });
  expect(status).toBe(202);
  return (body.paragraphs as { id: string }[]).map(({ id }) => id);
}

const pendingOf = async (projectId: string) =>
  (await server.db.sql`SELECT 1 FROM paragraphs WHERE project_id = ${projectId} AND doc IS NULL`).length;

/** Every paragraph analysed once, announced once, with a number of its own; the log without a gap. */
async function expectAnalysedOnce(projectId: string, ids: readonly string[]): Promise<void> {
  const events = await listEvents(server.db.sql, projectId);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const announced = (name: string) =>
    events.flatMap(({ event, data }) => (event === name ? (data.ids as string[]) : [])).sort();
  expect(announced("paragraphs.created")).toEqual([...ids].sort());
  expect(announced("paragraphs.analysed")).toEqual([...ids].sort());
  const docs = await server.db.sql<{ doc: number }>`
    SELECT doc FROM paragraphs WHERE project_id = ${projectId} ORDER BY doc`;
  expect(docs.map(({ doc }) => doc)).toEqual(ids.map((_, index) => index));
}

/** "word" is in every paragraph of these tests, as often as its length says. */
async function expectTotal(projectId: string, occurrences: number, paragraphs: number): Promise<void> {
  const { body } = await ada.call("GET", `/paragraphs/top?word=word&project_id=${projectId}`);
  expect([body.total_count, body.paragraph_count]).toEqual([occurrences, paragraphs]);
}

test("[TXT-26] paragraphs that come at any moment of an analysis are analysed", async () => {
  const chance = createChance("wake-ups");
  const projectId = await createProject(ada);
  const ids: string[] = [];
  for (let round = 0; round < 40; round++) {
    // Mostly a quiet project, whose analysis starts at once; a busy one waits for more.
    if (!chance.oneIn(10)) clock.turn(2_000);
    const batches = Array.from({ length: 1 + chance.below(3) }, () =>
      Array(1 + chance.below(4)).fill("word word"),
    );
    ids.push(...(await Promise.all(batches.map((batch) => handIn(projectId, batch)))).flat());
    // Either in the midst of the analysis, or just when it ends.
    if (chance.oneIn(4)) await until("nothing to wait", async () => (await pendingOf(projectId)) === 0);
  }
  await until("all to be analysed", async () => (await pendingOf(projectId)) === 0);
  await expectAnalysedOnce(projectId, ids);
  await expectTotal(projectId, ids.length * 2, ids.length);
});

test("[TXT-26] what is still being stored when the analysis ends has a job of its own", async () => {
  const projectId = await createProject(ada);
  const ids = await handIn(projectId, ["word"]);
  await until("the first", async () => (await pendingOf(projectId)) === 0);
  // Handed in by several at once and committed in one moment, the last ones while the first are analysed.
  const all = await Promise.all(Array.from({ length: 40 }, () => handIn(projectId, ["word"])));
  ids.push(...all.flat());
  await until("all of them", async () => (await pendingOf(projectId)) === 0);
  await expectAnalysedOnce(projectId, ids);
});

test("[TXT-27] two processes work off many projects, each paragraph once", async () => {
  const second: TestKernel = createTestKernel(server.db, { works: true, secretKey: SECRET });
  createTexts(second, createProjects(second, createAccounts(second)));
  await second.start();
  try {
    const projects = await Promise.all(Array.from({ length: 6 }, () => createProject(ada)));
    const ids = new Map<string, string[]>(projects.map((projectId) => [projectId, []]));
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        projects.map(async (projectId) => {
          const path = "/api/v1/paragraphs";
          const body = { paragraphs: Array(20).fill("word and word"), project_id: projectId };
          const via = round % 2 === 0 ? server : second.http;
          const answer = await send(via, "POST", path, { token: ada.token, body });
          ids.get(projectId)?.push(...(answer.body.paragraphs as { id: string }[]).map(({ id }) => id));
        }),
      );
    }
    for (const [projectId, stored] of ids) {
      await until("all to be analysed", async () => (await pendingOf(projectId)) === 0);
      await expectAnalysedOnce(projectId, stored);
      await expectTotal(projectId, 400, 200);
    }
  } finally {
    await second.stop();
  }
});

/** A run of the analysis as a worker makes it, on a small index, without the engine. */
function prepareRun(db: Database, fence: (tx: Tx) => Promise<void> = async () => {}) {
  const index = createWordIndex(createTokenizer(), { foldDocuments: 20, foldUnits: 1_000, tiers: [30, 120] });
  const task = createAnalyseTask({ db, events: server.kernel.events, index });
  const context = (projectId: string, signal = new AbortController().signal): JobContext => ({
    jobId: newId(),
    attempt: 1,
    projectId,
    createdBy: null,
    signal,
    log: silentLogger,
    fence,
    finish: async () => {},
    progress() {},
  });
  return {
    index,
    run: (projectId: string, signal?: AbortSignal) =>
      task.run({ project_id: projectId }, context(projectId, signal)),
  };
}

/** Stores paragraphs without a job that a worker would take. */
async function storeSilently(projectId: string, contents: readonly string[]): Promise<string[]> {
  const ids = contents.map(() => newId());
  const lengths = contents.map((content) => content.length);
  await server.db.sql`
    INSERT INTO paragraphs (id, project_id, author_id, content, length)
    SELECT p.id, ${projectId}, ${ada.userId}, p.content, p.length
    FROM unnest(${ids}::uuid[], ${contents}::text[], ${lengths}::int[]) AS p (id, content, length)`;
  return ids;
}

async function expectAnnouncedOnce(projectId: string, ids: readonly string[]): Promise<void> {
  const events = await listEvents(server.db.sql, projectId);
  const announced = events.flatMap(({ event, data }) =>
    event === "paragraphs.analysed" ? (data.ids as string[]) : [],
  );
  expect(announced.sort()).toEqual([...ids].sort());
}

/** A database whose transactions break off at the n-th statement of all, as when the process is killed there. */
function breakingAt(statement: number): { db: Database; hasBroken: () => boolean } {
  let left = statement;
  const count = () => {
    if (--left === 0) throw new Error("killed");
  };
  const transaction: Database["transaction"] = (work, options) =>
    server.db.transaction((tx) => {
      const counted = new Proxy(tx, {
        apply(target, _this, [text, ...values]: [TemplateStringsArray, ...unknown[]]) {
          count();
          return target(text, ...values);
        },
      });
      return work(counted);
    }, options);
  return { db: { ...server.db, transaction }, hasBroken: () => left <= 0 };
}

test("[TXT-27] killed at any statement, the next run goes on and counts nothing twice", async () => {
  const projectId = await createProject(ada);
  const ids: string[] = [];
  let kills = 0;
  // More than a run has that folds and merges; not every run has as many.
  for (let statement = 1; statement <= 40; statement++) {
    // Enough for a fold each time, and for a merge now and then.
    ids.push(...(await storeSilently(projectId, Array(25).fill("word word here"))));
    const { db, hasBroken } = breakingAt(statement);
    const killed = await prepareRun(db)
      .run(projectId)
      .then(() => false)
      .catch((error) => {
        if (hasBroken()) return true;
        throw error;
      });
    // What is committed holds at every moment.
    const analysed = ids.length - (await pendingOf(projectId));
    await expectTotal(projectId, analysed * 2, analysed);
    if (killed) kills++;
  }
  expect(kills).toBeGreaterThan(15);
  await prepareRun(server.db).run(projectId);
  expect(await pendingOf(projectId)).toBe(0);
  await expectAnnouncedOnce(projectId, ids);
  await expectTotal(projectId, ids.length * 2, ids.length);
  // Run again it changes nothing.
  const before = await listEvents(server.db.sql, projectId);
  await prepareRun(server.db).run(projectId);
  expect(await listEvents(server.db.sql, projectId)).toEqual(before);
});

test("[TXT-27] a worker that has lost its job changes nothing, whenever it lost it", async () => {
  const projectId = await createProject(ada);
  const ids: string[] = [];
  let lost = 0;
  for (let transactions = 0; transactions < 8; transactions++) {
    ids.push(...(await storeSilently(projectId, Array(25).fill("word"))));
    let left = transactions;
    const late = prepareRun(server.db, async () => {
      if (--left >= 0) return;
      // The other one, which has the job by now, does all there is while this one hangs in a transaction it has begun.
      await prepareRun(server.db).run(projectId);
      throw new Error("the job is another's");
    });
    // A run that has fewer transactions never gets there.
    const outcome = await late.run(projectId).catch((error: Error) => error.message);
    if (left < 0) lost++;
    expect(outcome).toEqual(left < 0 ? "the job is another's" : { paragraphs: 25 });
    expect(await pendingOf(projectId)).toBe(0);
    await expectAnnouncedOnce(projectId, ids);
    await expectTotal(projectId, ids.length, ids.length);
  }
  expect(lost).toBeGreaterThan(1);
});

test("[TXT-27] told to stop, the analysis ends between two batches and goes on later", async () => {
  const projectId = await createProject(ada);
  const ids = await storeSilently(projectId, Array(30).fill("word"));
  const stopped = new AbortController();
  stopped.abort();
  await expect(prepareRun(server.db).run(projectId, stopped.signal)).rejects.toThrow("abort");
  expect(await pendingOf(projectId)).toBe(30);
  expect(await prepareRun(server.db).run(projectId)).toEqual({ paragraphs: 30 });
  await expectAnnouncedOnce(projectId, ids);
});

test("[TXT-26] long paragraphs are analysed in parts that fit into memory", async () => {
  const projectId = await createProject(ada);
  const ids = await storeSilently(
    projectId,
    Array.from({ length: 45 }, () => "word ".repeat(19_999)),
  );
  expect(await prepareRun(server.db).run(projectId)).toEqual({ paragraphs: 45 });
  await expectAnnouncedOnce(projectId, ids);
  await expectTotal(projectId, 45 * 19_999, 45);
});

test("[TXT-28] when a project is erased nothing of its texts remains", async () => {
  const [doomed, kept] = [await createProject(ada), await createProject(ada)];
  for (const projectId of [doomed, kept]) {
    await handIn(projectId, Array(700).fill("word of this project"));
    await until("the fold", async () => (await countRows(projectId)).text_segments === 1);
  }
  const full = await countRows(kept);
  expect(Object.values(full).every((rows) => rows > 0)).toBe(true);
  await ada.call("DELETE", `/projects/${doomed}`);
  await server.db.sql`
    UPDATE jobs SET run_at = now() WHERE task = 'projects.erase' AND input->>'project_id' = ${doomed}`;
  server.kernel.jobs.wake("low");
  await until("no row of it", async () => Object.values(await countRows(doomed)).every((rows) => rows === 0));
  expect(await countRows(kept)).toEqual(full);
});

async function countRows(projectId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of ["paragraphs", "text_indexes", "text_segments", "text_blocks", "text_words"]) {
    const rows = await server.db.sql.unsafe(`SELECT 1 FROM ${table} WHERE project_id = $1`, [projectId]);
    counts[table] = rows.length;
  }
  return counts;
}
