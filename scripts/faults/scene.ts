// What a scenario of the fault suite plays on: a database of its own, worker processes, and the jobs that were acknowledged.
import { pause } from "../../src/kernel/clock/index.ts";
import { eventMigrations } from "../../src/kernel/events/index.ts";
import { newId } from "../../src/kernel/ids/index.ts";
import { jobMigrations, type Priority, releaseWorker } from "../../src/kernel/jobs/index.ts";
import { type Engine, startEngine } from "../../src/kernel/jobs/testing/engine.ts";
import { createFaultTask, type FaultInput } from "../../src/kernel/jobs/testing/fault-task.ts";
import {
  type SpawnOptions,
  spawnWorker,
  type WorkerProcess,
} from "../../src/kernel/jobs/testing/spawn-worker.ts";
import { RUNS } from "../../src/kernel/jobs/testing/tasks.ts";
import { openTestDatabase, type TestDatabase } from "../../src/testing/database.ts";
import type { TestPostgres } from "../../src/testing/postgres.ts";
import { until } from "../../src/testing/until.ts";
import type { Random } from "../chaos/random.ts";
import { checkEnds, type Expected } from "./checker.ts";

export interface Submission {
  readonly priority?: Priority;
  readonly runAt?: Date;
  readonly timeoutMs?: number;
  /** Two of a key never run at the same time; one that has not ended takes the other's place. */
  readonly uniqueKey?: string;
}

export interface Scene extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly engine: Engine;
  readonly random: Random;
  readonly projectId: string;
  spawn(options?: SpawnOptions): Promise<WorkerProcess>;
  /** Keeps so many alive, as a parent process does: the jobs of one that died are handed on, and another is started. */
  supervise(count: number, options?: SpawnOptions): Promise<void>;
  submit(input: FaultInput, expected?: Expected, given?: Submission): Promise<string>;
  /** In one statement. */
  submitMany(count: number, input: FaultInput): Promise<void>;
  /** Cancels, and expects no other end than that when it was in time. */
  cancel(id: string): Promise<void>;
  began(id: string, attempt?: number): Promise<{ readonly pid: number; readonly at: Date }>;
  /** Waits until nothing waits or runs, then holds what there is against what was acknowledged. Throws what is wrong. */
  account(withinMs?: number): Promise<void>;
}

const RESTART_PAUSE_MS = 100;
const SUCCEEDS: Expected = { ends: ["succeeded"], effects: [1, 1] };

export async function openScene(random: Random, server?: TestPostgres): Promise<Scene> {
  const db = await openTestDatabase([eventMigrations, jobMigrations], server);
  await db.sql.unsafe(`${RUNS}; CREATE INDEX ON runs (job_id)`);
  const projectId = newId();
  await db.sql`INSERT INTO event_heads (project_id) VALUES (${projectId})`;
  const engine = await startEngine(db);
  const task = createFaultTask(db);
  const acknowledged = new Map<string, Expected>();
  const workers = new Set<WorkerProcess>();
  const keepers: Promise<void>[] = [];
  let isOver = false;

  async function spawn(options?: SpawnOptions): Promise<WorkerProcess> {
    const worker = await spawnWorker(db, options);
    workers.add(worker);
    return worker;
  }

  /** As the server does with a child of its own: a cut that falls into its start ends it, too. */
  async function spawnAgain(options?: SpawnOptions): Promise<WorkerProcess | undefined> {
    while (!isOver) {
      const worker = await spawn(options).catch(() => undefined);
      if (worker) return worker;
      await pause(RESTART_PAUSE_MS);
    }
    return undefined;
  }

  async function keep(first: WorkerProcess, options?: SpawnOptions): Promise<void> {
    for (let worker: WorkerProcess | undefined = first; worker && !isOver; ) {
      await worker.exited;
      workers.delete(worker);
      if (isOver) return;
      // The database may be away, too; then the beat is missed.
      await releaseWorker(db, worker.workerId).catch(() => {});
      worker = await spawnAgain(options);
    }
  }

  return {
    db,
    engine,
    random,
    projectId,
    spawn,
    async supervise(count, options) {
      const first = await Promise.all(Array.from({ length: count }, () => spawn(options)));
      for (const worker of first) keepers.push(keep(worker, options));
    },
    async submit(input, expected = SUCCEEDS, given = {}) {
      const all = { ...given, projectId, createdBy: projectId };
      const { id } = await db.transaction((tx) => engine.jobs.submit(tx, task, task.input.parse(input), all));
      // One of its key may have been cancelled, and is found until it has ended.
      if (!acknowledged.has(id)) acknowledged.set(id, expected);
      return id;
    },
    async submitMany(count, input) {
      const rows = await db.sql<{ id: string }>`
        SELECT (jobs_submit(gen_random_uuid(), ${projectId}, ${task.name}, 'normal', ${JSON.stringify(input)}::text::jsonb,
          NULL, ${projectId}, NULL, 60000, 4, 'existing', NULL, NULL)).id FROM generate_series(1, ${count}::int)`;
      for (const { id } of rows) acknowledged.set(id, SUCCEEDS);
      engine.jobs.wake("normal");
    },
    async cancel(id) {
      const cancelled = await db.transaction((tx) => engine.jobs.cancel(tx, id));
      const expected = acknowledged.get(id) ?? SUCCEEDS;
      const ends = cancelled === "cancelled" ? [cancelled] : [...expected.ends, "cancelled" as const];
      acknowledged.set(id, { ends, effects: [0, expected.effects[1]] });
    },
    began: (id, attempt = 1) =>
      until(
        `attempt ${attempt} of ${id}`,
        async () => {
          const [row] = await db.sql<{ pid: number; at: Date }>`
            SELECT pid, at FROM runs WHERE job_id = ${id} AND attempt = ${attempt} AND what = 'began'`;
          return row;
        },
        { withinMs: 60_000, everyMs: 25 },
      ),
    async account(withinMs = 60_000) {
      const isEmpty = async () => {
        const rows = await db.sql`SELECT 1 FROM jobs LIMIT 1`.catch(() => [1]);
        return rows.length === 0;
      };
      await until("all jobs to end", isEmpty, { withinMs, everyMs: 50 });
      const problems = await checkEnds(db.sql, acknowledged);
      if (problems.length > 0) throw new Error(problems.slice(0, 5).join("\n"));
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      for (const worker of workers) worker.signal("SIGKILL");
      await Promise.all([...[...workers].map(({ exited }) => exited), ...keepers]);
      // Started while the others ended.
      for (const worker of workers) worker.signal("SIGKILL");
      await engine.stop();
      await db.close();
    },
  };
}
