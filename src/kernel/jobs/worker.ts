// A worker process: its row and beat, its runner, and the rescue of jobs whose worker died.
import { hostname } from "node:os";
import { type DatabaseOptions, openDatabase } from "../db/index.ts";
import type { Part } from "../lifecycle/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Admission } from "./admission.ts";
import { isPostponed } from "./attempt.ts";
import { type Beats, startBeats } from "./beats.ts";
import { type Cancellation, endWishes, listWishes } from "./cancellation.ts";
import { createFloors } from "./floors.ts";
import { PRIORITIES, type Priority, type Task } from "./job.ts";
import { createContexts } from "./job-context.ts";
import { withLazyChildren } from "./lazy-logger.ts";
import { createLogLines } from "./log-lines.ts";
import type { JobMetrics } from "./metrics.ts";
import type { News } from "./news.ts";
import { createOutcomes } from "./outcomes.ts";
import { createPaces } from "./paces.ts";
import { createProgressNotes } from "./progress-notes.ts";
import { createSweep, SWEEP_INTERVAL_MS } from "./rescue.ts";
import { postponeDelayMs, retryDelayMs } from "./retry.ts";
import { createRunner } from "./runner.ts";
import type { WakeUps } from "./wake-ups.ts";
import {
  claimJobs,
  claimPatiently,
  deleteWorker,
  handBackForgotten,
  isKeyedOverdue,
  upsertWorker,
  type WorkerIdentity,
} from "./worker-store.ts";
import { toBeatJson, type WorkerBreaker } from "./workers.ts";

/** Makes a process work: without it jobs can only be handed in. */
export interface WorkOptions {
  /** Whoever starts the process may choose it, to call releaseWorker with when the process has died. */
  readonly workerId: string;
  readonly roles: readonly string[];
  readonly connection: DatabaseOptions;
  /** Jobs at once; one slot more is kept for urgent ones. */
  readonly concurrency: number;
  /** Default all. */
  readonly lanes?: readonly Priority[];
  /** At stop: time for running jobs to end. */
  readonly graceMs: number;
  /** After its signal was aborted: time for a handler to end; default 5 s. */
  readonly handlerGraceMs?: number;
  /** Circuits of this process, shown with its beat; default none. */
  readonly breakers?: () => readonly WorkerBreaker[];
}

export interface WorkerDeps {
  readonly log: Logger;
  readonly metrics: JobMetrics;
  readonly wakeUps: WakeUps;
  readonly cancellation: Cancellation;
  readonly news: News;
  readonly admission: Admission;
  readonly announced: (projectId: string) => void;
  readonly tasks: ReadonlyMap<string, Task<unknown>>;
  readonly random: () => number;
}

const HANDLER_GRACE_MS = 5000;
/** A keyed job that is due for longer was skipped, not overlooked. */
const OVERDUE_MS = 500;
/** How often it is looked whether a running job is to end: a cancelled one has a second. */
const WISHES_INTERVAL_MS = 500;
const ENDS: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled"]);
/** At stop, for a database that does not answer: others take the jobs when our beat is missed. */
const SETTLE_MS = 5000;

export function createWorker(work: WorkOptions, deps: WorkerDeps): Part {
  const { log, metrics, wakeUps, tasks } = deps;
  const lanes = (work.lanes ?? PRIORITIES).map((lane) => PRIORITIES.indexOf(lane)).sort();
  const worker: WorkerIdentity = {
    id: work.workerId,
    host: hostname(),
    pid: process.pid,
    roles: work.roles,
    slots: work.concurrency,
    lanes,
  };
  // Connections of the engine's own: handlers that hold all the others must not keep urgent jobs waiting.
  const db = openDatabase(
    { ...work.connection, poolSize: 2, longPoolSize: 1, applicationName: "stoa jobs" },
    log,
  );
  const progress = createProgressNotes(db.sql, log);
  const lines = createLogLines(db.sql, log);
  const contexts = createContexts({ log: withLazyChildren(log), progress, lines, news: deps.news });
  const paces = createPaces(db.sql, log);
  const outcomes = createOutcomes({
    sql: db.sql,
    log,
    delayMs: (job, { kind, retryAfterMs }) =>
      kind === "postponement"
        ? postponeDelayMs(retryAfterMs ?? 0, deps.random)
        : retryDelayMs(job.countedAttempt, retryAfterMs, deps.random),
    async beforeWrite(jobs) {
      if (jobs.some((job) => progress.has(job.id))) await progress.flush();
      if (jobs.some((job) => lines.has(job.id))) await lines.flush();
    },
    onWritten(job, written) {
      metrics.ended(job, written);
      if (written === "retrying") contexts.tell(job, "retrying");
      else if (written === "postponed") contexts.tell(job, "scheduled");
      else deps.news.forget(job.id);
      if (job.isForUser && job.projectId && ENDS.has(written)) deps.announced(job.projectId);
      if (written === "failed") log.error({ job_id: job.id, task: job.task }, "a job has failed for good");
      if (job.isLimited) deps.admission.admit(job.task, job.projectId);
      // The next one of its key may have waited for its end.
      if (job.isKeyed) runner.wake(lanes);
      else runner.nudge();
    },
  });
  const floors = createFloors();
  const runner = createRunner({
    log,
    tasks,
    concurrency: work.concurrency,
    lanes,
    handlerGraceMs: work.handlerGraceMs ?? HANDLER_GRACE_MS,
    outcomes,
    claim: (claim) =>
      floors.look(claim.lanes, (floorsMs) =>
        claimJobs(db.sql, { ...claim, workerId: worker.id, tasks: [...tasks.keys()] }, floorsMs),
      ),
    async claimPatiently(lanes) {
      const claim = { workerId: worker.id, lanes, tasks: [...tasks.keys()] };
      if (!(await isKeyedOverdue(db.sql, claim, OVERDUE_MS))) return [];
      // In a transaction, and so on a connection where nothing else waits behind it.
      return db.transaction((tx) => claimPatiently(tx, claim, OVERDUE_MS));
    },
    async reconcile(held) {
      const count = await handBackForgotten(db.sql, worker.id, held);
      if (count > 0)
        log.warn({ jobs: count }, "jobs were taken in an answer that never came, and handed back");
    },
    onTaken: (leftMs) => state?.beats.allow(leftMs),
    context: contexts.open,
    onStarted(job) {
      metrics.started(job, job.waitedMs);
    },
    onEnded(job, runMs, outcome) {
      metrics.ran(job, runMs);
      // It has only looked, and says nothing of how long such jobs take.
      if (!isPostponed(outcome)) paces.note(job, runMs);
    },
  });
  const sweep = createSweep(db);
  let isSweeping = false;
  let isGranting = false;
  let state:
    | {
        readonly beats: Beats;
        /** Finds us more to do. */
        readonly stopTaking: () => void;
        /** Ends what we do. */
        readonly stopGranting: () => void;
      }
    | undefined;
  let stopped: Promise<void> | undefined;

  /** Others have taken us for dead, and our jobs with it: begin anew under the same id. */
  function rise(): void {
    log.warn({ worker_id: worker.id }, "this worker was taken for dead; its jobs belong to others now");
    runner.lose();
    upsertWorker(db.sql, worker).catch((error: unknown) =>
      log.warn({ err: error }, "the worker could not come back yet"),
    );
  }

  async function takeOver(): Promise<void> {
    deps.admission.admitAll();
    if (isSweeping) return;
    isSweeping = true;
    try {
      const { taken } = await sweep();
      if (taken === 0) return;
      log.warn({ jobs: taken }, "jobs of a dead worker were taken over");
      for (const priority of PRIORITIES) wakeUps.send(priority);
    } catch (error) {
      log.debug({ err: error }, "the look for dead workers failed");
    } finally {
      isSweeping = false;
    }
  }

  /** The floor under the bus: no cancelled job runs on because a message was lost. */
  async function grantWishes(): Promise<void> {
    if (isGranting) return;
    isGranting = true;
    try {
      runner.cancel(await listWishes(db.sql, worker.id));
      await endWishes(db.sql);
    } catch (error) {
      log.debug({ err: error }, "the look for cancelled jobs failed");
    } finally {
      isGranting = false;
    }
  }

  async function stop(running: NonNullable<typeof state>): Promise<void> {
    running.stopTaking();
    await runner.stop(work.graceMs);
    running.stopGranting();
    const giveUp = setTimeout(outcomes.giveUp, SETTLE_MS);
    await outcomes.settled();
    clearTimeout(giveUp);
    progress.stop();
    lines.stop();
    paces.stop();
    await running.beats.stop();
    await deleteWorker(db.sql, worker.id).catch((error: unknown) =>
      log.warn({ err: error }, "the worker could not sign off; its row ends when its beat is missed"),
    );
    await db.close();
  }

  return {
    name: "worker",
    async start() {
      if (state) return;
      const beats = startBeats({
        connection: work.connection,
        workerId: worker.id,
        log,
        onLost: rise,
        onRound: () => beats.allow(runner.leftMs()),
      });
      const sweeps = setInterval(() => void takeOver(), SWEEP_INTERVAL_MS);
      const wishes = setInterval(() => {
        void grantWishes();
        if (work.breakers) beats.tell(toBeatJson(work.breakers()));
      }, WISHES_INTERVAL_MS);
      const [deafenToWork, deafenToWishes] = [
        wakeUps.hear(runner.wake),
        deps.cancellation.hear(runner.cancel),
      ];
      state = {
        beats,
        stopTaking() {
          deafenToWork();
          clearInterval(sweeps);
        },
        stopGranting() {
          deafenToWishes();
          clearInterval(wishes);
        },
      };
      await beats.ready;
      await upsertWorker(db.sql, worker);
      runner.start();
    },
    stop() {
      stopped ??= state ? stop(state) : db.close();
      return stopped;
    },
  };
}
