// The worker: takes due jobs while it has free slots, runs them, and writes how they ended.
import { pause } from "../clock/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Attempt, type Outcome, startAttempt } from "./attempt.ts";
import type { Task } from "./job.ts";
import type { OpenContext } from "./job-context.ts";
import { createLaneShares } from "./lane-shares.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Claim, ClaimedJob, Held } from "./worker-store.ts";

export interface RunnerOptions {
  readonly log: Logger;
  readonly tasks: ReadonlyMap<string, Task<unknown>>;
  readonly concurrency: number;
  /** Lanes to serve: urgent before the others, which share by weight. */
  readonly lanes: readonly number[];
  readonly handlerGraceMs: number;
  /** Before the handlers of what was claimed begin, any of which may block: when the first of all will be left behind. */
  readonly onTaken: (leftMs: number) => void;
  readonly claim: (claim: Omit<Claim, "workerId" | "tasks">) => Promise<ClaimedJob[]>;
  /** One job at most, of those that `claim` skips because enqueuers hold them all the time; may wait for seconds. */
  readonly claimPatiently: (lanes: readonly number[]) => Promise<ClaimedJob[]>;
  /** Settles with the database what we hold; never while a claim is under way. */
  readonly reconcile: (held: readonly Held[]) => Promise<void>;
  readonly outcomes: Outcomes;
  readonly context: (job: ClaimedJob) => OpenContext;
  readonly onStarted: (job: ClaimedJob) => void;
  readonly onEnded: (job: ClaimedJob, runMs: number, outcome: Outcome) => void;
}

export interface Runner {
  start(): void;
  /** Something may be due in these lanes. */
  wake(lanes: readonly number[]): void;
  /** There may be room again. */
  nudge(): void;
  /** How long until the first handler is left behind. */
  leftMs(): number | undefined;
  /** Of these jobs those that run here are to end. */
  cancel(ids: readonly string[]): void;
  /** The worker was taken for dead: what it holds belongs to others now. */
  lose(): void;
  stop(graceMs: number): Promise<void>;
}

const URGENT = 0;
const URGENT_POLL_MS = 250;
const POLL_MS = 1000;
const PATIENCE_MS = 1000;
const RECONCILE_MS = 5000;
/** After a claim failed; the database is probably away. */
const FAILURE_PAUSE_MS = 250;
/** After askToStop, for handlers that listen. */
const LAST_WORD_MS = 1000;
/** Past this many unwritten ends nothing new is started: the database is the bottleneck, or away. */
const MAX_UNWRITTEN = 1000;

export function createRunner(options: RunnerOptions): Runner {
  const { log, tasks, concurrency, outcomes } = options;
  const bulkLanes = options.lanes.filter((lane) => lane !== URGENT);
  const shares = createLaneShares(bulkLanes);
  const servesUrgent = options.lanes.includes(URGENT);
  const running = new Map<string, Attempt>();
  const stopping = new AbortController();
  const due = { urgent: false, bulk: false, patience: false, reconcile: false };
  let looping: Promise<void> | undefined;
  let nudged = Promise.withResolvers<void>();
  let timers: Timer[] = [];
  let waitingInLine: Promise<void> | undefined;
  let isFailing = false;

  function expect(what: keyof typeof due): void {
    due[what] = what === "urgent" ? servesUrgent : what === "bulk" ? bulkLanes.length > 0 : true;
    nudged.resolve();
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      nudged = Promise.withResolvers();
      try {
        // A job that was just given to the one who waits in line would look forgotten.
        if (due.reconcile && !waitingInLine) await reconcile();
        while (!stopping.signal.aborted && (await takeDue())) {}
        if (due.patience && room() > 0) waitingInLine ??= takePatiently();
        isFailing = false;
      } catch (error) {
        if (!isFailing) log.warn({ err: error }, "jobs cannot be taken just now");
        isFailing = true;
        // The answer may be lost, and the jobs in it ours.
        due.reconcile = true;
        expect("urgent");
        expect("bulk");
        await pause(FAILURE_PAUSE_MS, stopping.signal);
      }
      await nudged.promise;
    }
  }

  async function reconcile(): Promise<void> {
    due.reconcile = false;
    await options.reconcile([
      ...[...running.values()].map((attempt) => attempt.job),
      ...outcomes.unwritten(),
    ]);
  }

  /** Claims once; true when there may be more to claim. */
  async function takeDue(): Promise<boolean> {
    const urgentLimit = due.urgent ? room(1) : 0;
    if (urgentLimit > 0) {
      // Alone: an urgent job must not wait until a batch of others is taken with it.
      await take("urgent", { lanes: [URGENT], limit: urgentLimit, urgentLimit, quotas: [urgentLimit] });
      return due.urgent || due.bulk;
    }
    const limit = due.bulk ? room() : 0;
    if (limit === 0) return false;
    await take("bulk", { lanes: bulkLanes, limit, urgentLimit: 0, quotas: shares.deal(limit) });
    return due.urgent || due.bulk;
  }

  async function take(what: "urgent" | "bulk", claim: Omit<Claim, "workerId" | "tasks">): Promise<void> {
    due[what] = false;
    const jobs = await options.claim(claim);
    beginAll(jobs);
    // As many as there was room for: there may be more.
    if (jobs.length === claim.limit) due[what] = true;
  }

  /** Free slots. */
  function room(extra = 0): number {
    if (outcomes.unwritten().length >= MAX_UNWRITTEN) return 0;
    return Math.max(0, concurrency + extra - running.size - (waitingInLine ? 1 : 0));
  }

  async function takePatiently(): Promise<void> {
    due.patience = false;
    try {
      beginAll(await options.claimPatiently(options.lanes));
    } catch (error) {
      log.debug({ err: error }, "waiting in line for a keyed job failed");
      due.reconcile = true;
    }
    waitingInLine = undefined;
    nudged.resolve();
  }

  function beginAll(jobs: readonly ClaimedJob[]): void {
    if (jobs.length === 0) return;
    const ownMs = jobs.map((job) => job.timeoutMs + options.handlerGraceMs);
    options.onTaken(Math.min(leftMs() ?? Number.POSITIVE_INFINITY, ...ownMs));
    for (const job of jobs) begin(job);
  }

  function begin(job: ClaimedJob): void {
    const task = tasks.get(job.task);
    if (!task) throw new Error(`a job of the task ${job.task}, which is not registered, was claimed`);
    const beganMs = performance.now();
    const attempt = startAttempt({
      job,
      task,
      context: options.context(job),
      graceMs: options.handlerGraceMs,
    });
    running.set(job.id, attempt);
    options.onStarted(job);
    void attempt.done.then((outcome) => {
      if (running.get(job.id) === attempt) running.delete(job.id);
      options.onEnded(job, performance.now() - beganMs, outcome);
      if (outcome.state !== "lost") outcomes.add({ job, outcome });
      nudged.resolve();
    });
  }

  function leftMs(): number | undefined {
    if (running.size === 0) return undefined;
    return Math.min(...[...running.values()].map((attempt) => attempt.leftMs()));
  }

  function leaveAll(outcome: Outcome): void {
    for (const attempt of running.values()) attempt.leave(outcome);
  }

  async function allEnded(withinMs: number): Promise<void> {
    if (running.size === 0) return;
    const enough = new AbortController();
    const ended = Promise.all([...running.values()].map((attempt) => attempt.done));
    await Promise.race([ended, pause(withinMs, enough.signal)]);
    enough.abort();
  }

  return {
    start() {
      if (looping) return;
      timers = [
        setInterval(expect, URGENT_POLL_MS, "urgent"),
        setInterval(expect, POLL_MS, "bulk"),
        setInterval(expect, PATIENCE_MS, "patience"),
        setInterval(expect, RECONCILE_MS, "reconcile"),
      ];
      expect("urgent");
      expect("bulk");
      looping = loop();
    },
    wake(lanes) {
      if (lanes.includes(URGENT)) expect("urgent");
      if (lanes.some((lane) => lane !== URGENT)) expect("bulk");
    },
    nudge: () => nudged.resolve(),
    leftMs,
    cancel(ids) {
      for (const id of ids) running.get(id)?.cancel();
    },
    lose: () => leaveAll({ state: "lost" }),
    async stop(graceMs) {
      stopping.abort();
      nudged.resolve();
      for (const timer of timers) clearInterval(timer);
      await looping;
      await waitingInLine;
      await allEnded(graceMs);
      for (const attempt of running.values()) attempt.askToStop();
      await allEnded(LAST_WORD_MS);
      leaveAll({ state: "handed back" });
      await allEnded(LAST_WORD_MS);
    },
  };
}
