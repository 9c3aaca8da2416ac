// Routes of schedules: make, list, change, delete.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import {
  decodeCursor,
  pageQuery,
  pageSchema,
  type Route,
  route,
  toPage,
} from "../../../kernel/http/index.ts";
import { PRIORITIES } from "../../../kernel/jobs/index.ts";
import { personalProjectId, projectErrors } from "../../projects/index.ts";
import type { ScheduleActions } from "../actions/schedules.ts";
import { workErrors as no } from "../errors.ts";
import { MISSED_RULES } from "../model.ts";
import { scheduleView, toScheduleView } from "../view.ts";
import { projectId, taskName } from "./parameters.ts";

export interface ScheduleRouteDeps {
  readonly db: Database;
  readonly actions: ScheduleActions;
}

const PATH = "/api/v1/job-schedules";

const input = z.unknown().meta({ description: "As the task's input_schema says." });
const priority = z.enum(PRIORITIES).nullable();
const cron = z.string().min(1).max(200).meta({
  description:
    "Minute, hour, day, month, weekday: `30 6 * * mon-fri`. Or @hourly, @daily, @weekly, @monthly.",
});
const timeZone = z.string().min(1).max(100).meta({ description: "By its name: `Europe/Berlin`." });
const missed = z.enum(MISSED_RULES).meta({
  description: "For a time at which no server was there: run once as soon as one is, or skip it.",
});
const newSchedule = z.strictObject({
  project_id: projectId,
  task: taskName,
  input: input.default({}),
  priority: priority.default(null),
  cron,
  time_zone: timeZone.default("UTC"),
  missed: missed.default("run_once"),
  is_active: z.boolean().default(true),
});
const changedSchedule = z
  .strictObject({
    input: input.optional(),
    priority: priority.optional(),
    cron: cron.optional(),
    time_zone: timeZone.optional(),
    missed: missed.optional(),
    is_active: z.boolean().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, "Give at least one field.");
const params = z.strictObject({ id: z.uuid().toLowerCase() });

export function scheduleRoutes({ db, actions }: ScheduleRouteDeps): Route[] {
  const common = { tag: "jobs", access: "user" } as const;
  const refusals = [projectErrors.PROJECT_FORBIDDEN, projectErrors.PROJECT_ARCHIVED];

  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listJobSchedules",
        summary: "List a project's schedules, newest first",
        query: z.strictObject({ ...pageQuery, project_id: projectId }),
        responses: { 200: { description: "A page of schedules.", schema: pageSchema(scheduleView) } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query: { limit, cursor, project_id: given } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const page = { projectId: given ?? personalProjectId(actor.userId), beforeId, limit };
        const rows = await actions.listSchedules(db.sql, actor.userId, page);
        return { status: 200, body: toPage(rows, limit, toScheduleView, ({ id }) => [id]) };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "createJobSchedule",
        summary: "Run a task again and again",
        description: "While the job of one time has not ended, the next time runs no other.",
        body: newSchedule,
        isIdempotent: true,
        responses: { 201: { description: "The new schedule.", schema: scheduleView } },
        errors: [projectErrors.PROJECT_NOT_FOUND, ...refusals, no.TOO_MANY_SCHEDULES],
      },
      ({ actor, body, write }) =>
        write(async (tx) => {
          const { project_id: given, time_zone: zone, is_active: isActive, ...plan } = body;
          const place = given ?? personalProjectId(actor.userId);
          const schedule = await actions.createSchedule(tx, actor.userId, place, {
            ...plan,
            timeZone: zone,
            isActive,
          });
          return { status: 201, body: toScheduleView(schedule) };
        }),
    ),
    route(
      {
        ...common,
        method: "PATCH",
        path: `${PATH}/{id}`,
        operationId: "changeJobSchedule",
        summary: "Change a schedule, pause it, or let it go on",
        params,
        body: changedSchedule,
        responses: { 200: { description: "The schedule.", schema: scheduleView } },
        errors: [no.SCHEDULE_NOT_FOUND, ...refusals],
      },
      ({ actor, params: { id }, body, write }) =>
        write(async (tx) => {
          const { time_zone: zone, is_active: isActive, ...change } = body;
          const changed = await actions.changeSchedule(tx, id, actor.userId, {
            ...change,
            ...(zone === undefined ? {} : { timeZone: zone }),
            ...(isActive === undefined ? {} : { isActive }),
          });
          return { status: 200, body: toScheduleView(changed) };
        }),
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${PATH}/{id}`,
        operationId: "deleteJobSchedule",
        summary: "Delete a schedule; the jobs it has run stay",
        params,
        responses: { 204: { description: "It is gone." } },
        errors: [no.SCHEDULE_NOT_FOUND, projectErrors.PROJECT_FORBIDDEN],
      },
      ({ actor, params: { id }, write }) =>
        write(async (tx) => {
          await actions.deleteSchedule(tx, id, actor.userId);
          return { status: 204 };
        }),
    ),
  ];
}
