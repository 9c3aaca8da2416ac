// When a job will be done: from its place in the queue, the slots that serve its lane, and how long attempts took lately.
import type { Sql } from "../db/index.ts";
import type { Job } from "./job.ts";
import { PRIORITIES } from "./job.ts";
import { weightOf } from "./lane-shares.ts";
import { findRoom, type Room } from "./room.ts";

export interface Outlook {
  /** 1 is the next of its lane; exact up to 1,000, an estimate beyond. Null unless it waits and is due. */
  readonly position: number | null;
  /** Null when it has ended, or nothing is known to reckon with: no such job has run yet, or nobody works. */
  readonly estimatedCompletionAt: Date | null;
}

/** What an estimate is made of. */
export interface Queue {
  readonly nowMs: number;
  readonly ahead: number;
  /** Of all workers that serve the lane. */
  readonly slots: number;
  /** Part of them that the lane gets, above 0 up to 1. */
  readonly share: number;
  readonly taskMs: number | null;
  readonly laneMs: number | null;
  /** Undefined unless it waits for room under a limit. */
  readonly room?: Room | undefined;
}

const EXACT = 1000;
const NONE: Outlook = { position: null, estimatedCompletionAt: null };

export async function lookOut(sql: Sql, job: Job): Promise<Outlook> {
  if (job.finishedAt) return NONE;
  const lane = PRIORITIES.indexOf(job.priority);
  const [row] = await sql<{
    now_ms: number;
    ahead: number;
    slots: number;
    due_lanes: number[];
    task_ms: number | null;
    lane_ms: number | null;
  }>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms,
      CASE WHEN ${job.status !== "running"} AND ${job.runAt} <= clock_timestamp()
        THEN jobs_ahead(${lane}::smallint, ${job.runAt}, ${job.id}, ${EXACT}) ELSE 0 END AS ahead,
      (SELECT coalesce(sum(slots), 0)::int FROM job_workers WHERE ${lane}::smallint = ANY (lanes)) AS slots,
      jobs_due_lanes() AS due_lanes,
      (SELECT run_ms FROM job_paces WHERE subject = ${taskSubject(job.task)}) AS task_ms,
      (SELECT run_ms FROM job_paces WHERE subject = ${laneSubject(lane)}) AS lane_ms`;
  if (!row) return NONE;
  const weights = [...new Set([...row.due_lanes, lane])].reduce((sum, each) => sum + weightOf(each), 0);
  const share = weightOf(lane) === 0 ? 1 : weightOf(lane) / weights;
  const { now_ms: nowMs, ahead, slots, task_ms: taskMs, lane_ms: laneMs } = row;
  const room = job.status === "running" ? undefined : await findRoom(sql, job.id);
  return estimate(job, { nowMs, ahead, slots, share, taskMs, laneMs, room });
}

type Estimated = Pick<Job, "status" | "startedAt" | "runAt" | "progress">;

export function estimate(job: Estimated, queue: Queue): Outlook {
  const { nowMs } = queue;
  const runMs = queue.taskMs ?? queue.laneMs;
  if (job.status === "running") {
    const startedMs = job.startedAt?.getTime() ?? nowMs;
    const wholeMs = reckonWhole(job.progress, nowMs - startedMs) ?? runMs;
    return { position: null, estimatedCompletionAt: at(wholeMs, (ms) => Math.max(nowMs, startedMs + ms)) };
  }
  if (job.runAt.getTime() > nowMs) {
    return { position: null, estimatedCompletionAt: at(runMs, (ms) => job.runAt.getTime() + ms) };
  }
  const laneWaitMs = (queue.ahead * (queue.laneMs ?? runMs ?? 0)) / (queue.slots * queue.share);
  const waitMs = Math.max(laneWaitMs, roomWaitMs(queue.room, runMs ?? 0));
  const position = Math.round(queue.ahead) + (queue.room?.ahead ?? 0) + 1;
  return { position, estimatedCompletionAt: at(queue.slots > 0 ? runMs : null, (ms) => nowMs + waitMs + ms) };
}

/** Until so many have ended that it is let in. */
function roomWaitMs(room: Room | undefined, runMs: number): number {
  if (!room) return 0;
  return (Math.max(0, room.ahead + 1 + room.admitted - room.max) * runMs) / room.max;
}

/** A job that tells its progress is believed. */
function reckonWhole(progress: Job["progress"], elapsedMs: number): number | null {
  if (!progress?.total || progress.done <= 0 || progress.done > progress.total) return null;
  return (elapsedMs * progress.total) / progress.done;
}

function at(ms: number | null, toMs: (ms: number) => number): Date | null {
  return ms === null ? null : new Date(toMs(ms));
}

export function taskSubject(task: string): string {
  return `task ${task}`;
}

export function laneSubject(lane: number): string {
  return `lane ${lane}`;
}
