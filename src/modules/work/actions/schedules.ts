// What can be done with schedules: make, list, change, delete.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import { kernelErrors } from "../../../kernel/errors/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Jobs } from "../../../kernel/jobs/index.ts";
import { allow, type Permission, type Projects } from "../../projects/index.ts";
import { isTimeZone, nextTime, parseCron } from "../cron.ts";
import { workErrors } from "../errors.ts";
import { MAX_SCHEDULES, type Schedule, type SchedulePlan } from "../model.ts";
import * as store from "../store.ts";
import { checkInput, permissionOf } from "../tasks.ts";

export interface ScheduleActionDeps {
  readonly jobs: Pick<Jobs, "userTasks">;
  readonly projects: Pick<Projects, "access" | "writeAccess">;
}

export type ScheduleActions = ReturnType<typeof createScheduleActions>;

export function createScheduleActions({ jobs, projects }: ScheduleActionDeps) {
  async function allowOn(
    sql: Sql,
    schedule: Schedule | undefined,
    userId: string,
    permission: Permission,
  ): Promise<Schedule> {
    if (!schedule) throw workErrors.SCHEDULE_NOT_FOUND();
    const access = await projects.access(sql, schedule.projectId, userId);
    allow(access, permission, workErrors.SCHEDULE_NOT_FOUND);
    return schedule;
  }

  /** When a plan is due next after `now`, the database's time: no server then runs again what another has run. Throws INVALID_INPUT. */
  function reckonNext({ cron: text, timeZone, isActive }: SchedulePlan, now: Date): Date | null {
    const cron = parseCron(text);
    if (!cron) throw invalid("cron", "Must be a cron expression of five fields, such as 30 6 * * mon-fri.");
    if (!isTimeZone(timeZone))
      throw invalid("time_zone", "Must be a time zone by its name, such as Europe/Berlin.");
    return isActive ? (nextTime(cron, timeZone, now) ?? null) : null;
  }

  return {
    async createSchedule(tx: Tx, userId: string, projectId: string, plan: SchedulePlan): Promise<Schedule> {
      const access = await projects.writeAccess(tx, projectId, userId);
      allow(access, "schedules.manage");
      allow(access, permissionOf(jobs, plan.task));
      // As the task reads it, which may have sealed what is secret.
      const input = checkInput(jobs, plan.task, plan.input).input.parse(plan.input);
      const at = await store.readTime(tx);
      const nextAt = reckonNext(plan, at);
      if ((await store.countSchedules(tx, projectId)) >= MAX_SCHEDULES) throw workErrors.TOO_MANY_SCHEDULES();
      const none = { lastAt: null, lastJobId: null, createdAt: at, updatedAt: at };
      const schedule = { ...plan, ...none, input, id: newId(), projectId, createdBy: userId, nextAt };
      await store.saveSchedule(tx, schedule);
      return (await store.findSchedule(tx, schedule.id)) ?? schedule;
    },

    async listSchedules(sql: Sql, userId: string, page: store.SchedulePage): Promise<Schedule[]> {
      allow(await projects.access(sql, page.projectId, userId), "schedules.read");
      return store.listSchedules(sql, page);
    },

    async changeSchedule(
      tx: Tx,
      id: string,
      userId: string,
      change: Partial<SchedulePlan>,
    ): Promise<Schedule> {
      const before = await allowOn(tx, await store.holdSchedule(tx, id), userId, "schedules.manage");
      await allowOn(tx, before, userId, permissionOf(jobs, before.task));
      const plan = { ...before, ...change };
      const input = checkInput(jobs, plan.task, plan.input).input.parse(plan.input);
      // A change of something else neither takes a time that is due nor gives one back.
      const isSameTimes =
        plan.cron === before.cron && plan.timeZone === before.timeZone && plan.isActive === before.isActive;
      const nextAt = isSameTimes ? before.nextAt : reckonNext(plan, await store.readTime(tx));
      const changed = { ...plan, input, nextAt };
      await store.saveSchedule(tx, changed);
      return (await store.findSchedule(tx, id)) ?? changed;
    },

    async deleteSchedule(tx: Tx, id: string, userId: string): Promise<void> {
      await allowOn(tx, await store.holdSchedule(tx, id), userId, "schedules.delete");
      await store.deleteSchedule(tx, id);
    },
  };
}

function invalid(path: string, message: string) {
  return kernelErrors.INVALID_INPUT({ fields: [{ path, message }] });
}
