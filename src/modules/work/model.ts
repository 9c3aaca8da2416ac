// What a schedule is.
import type { Priority } from "../../kernel/jobs/index.ts";

/** What to do about a time at which no server was there. */
export const MISSED_RULES = ["run_once", "skip"] as const;
export type MissedRule = (typeof MISSED_RULES)[number];

/** What a schedule does, and when. */
export interface SchedulePlan {
  readonly task: string;
  readonly input: unknown;
  /** Null: the task's. */
  readonly priority: Priority | null;
  readonly cron: string;
  readonly timeZone: string;
  readonly missed: MissedRule;
  readonly isActive: boolean;
}

export interface Schedule extends SchedulePlan {
  readonly id: string;
  readonly projectId: string;
  readonly createdBy: string;
  /** Null while it is not active, or when its expression has no further time. */
  readonly nextAt: Date | null;
  readonly lastAt: Date | null;
  readonly lastJobId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const MAX_SCHEDULES = 100;
/** Servers look every second; a time that is past for longer was missed. */
const LATE_MS = 60_000;

export function isMissed(dueAt: Date, now: Date): boolean {
  return now.getTime() - dueAt.getTime() > LATE_MS;
}
