// Runs what is due by a schedule: every server looks every second, and each time is taken by one of them.
import { type Database, isDatabaseAway, type Tx } from "../../kernel/db/index.ts";
import type { Jobs } from "../../kernel/jobs/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { allow, type Projects } from "../projects/index.ts";
import { isTimeZone, nextTime, parseCron } from "./cron.ts";
import { isMissed, type Schedule } from "./model.ts";
import { isAnyDue, noteTaken, takeDue } from "./store.ts";
import { checkInput, permissionOf } from "./tasks.ts";

export interface SchedulerDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly jobs: Pick<Jobs, "userTasks" | "submit">;
  readonly projects: Pick<Projects, "writeAccess">;
}

const INTERVAL_MS = 1000;

export function createScheduler({ db, log, jobs, projects }: SchedulerDeps): Part {
  let timer: Timer | undefined;
  let looking: Promise<void> | undefined;
  let isStopping = false;

  async function look(): Promise<void> {
    try {
      // Mostly nothing is due, and a transaction would keep a connection of its own open for that answer.
      while (!isStopping && (await isAnyDue(db.sql)) && (await db.transaction(takeOne))) {}
    } catch (error) {
      // Nothing was taken: the next second tries again.
      log[isDatabaseAway(error) ? "debug" : "warn"]({ err: error }, "schedules could not be looked at");
    }
    looking = undefined;
  }

  /** The job and the schedule's next time are one transaction: no time is taken twice, or lost. */
  async function takeOne(tx: Tx): Promise<boolean> {
    const due = await takeDue(tx);
    if (!due) return false;
    const { schedule, now } = due;
    // A server of another version may have known a time zone that this one does not.
    const cron = isTimeZone(schedule.timeZone) ? parseCron(schedule.cron) : undefined;
    const nextAt = (cron && nextTime(cron, schedule.timeZone, now)) ?? null;
    const isLate = schedule.nextAt !== null && isMissed(schedule.nextAt, now);
    if (isLate && schedule.missed === "skip") {
      await noteTaken(tx, schedule.id, { nextAt, isActive: true, jobId: undefined });
      return true;
    }
    const ran = cron && (await run(tx, schedule));
    // Whoever made it may no longer run jobs here, or its task is another now: it rests until somebody looks after it.
    const isActive = ran !== undefined;
    const jobId = ran?.isNew ? ran.id : undefined;
    await noteTaken(tx, schedule.id, { nextAt: isActive ? nextAt : null, isActive, jobId });
    return true;
  }

  async function run(tx: Tx, schedule: Schedule) {
    const { id, projectId, createdBy, input, priority } = schedule;
    try {
      allow(await projects.writeAccess(tx, projectId, createdBy), permissionOf(jobs, schedule.task));
      const task = checkInput(jobs, schedule.task, input);
      // While the one of before has not ended there is no other.
      const given = { projectId, createdBy, uniqueKey: `schedule ${id}`, ...(priority ? { priority } : {}) };
      return await jobs.submit(tx, task, input, given);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && "status" in error)) throw error;
      log.warn({ schedule_id: id, code: error.code }, "a schedule may not run any more, and rests");
      return undefined;
    }
  }

  return {
    name: "schedules",
    async start() {
      timer ??= setInterval(() => {
        looking ??= look();
      }, INTERVAL_MS);
    },
    async stop() {
      isStopping = true;
      clearInterval(timer);
      await looking;
    },
  };
}
