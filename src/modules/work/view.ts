// What of a job leaves the server.
import { z } from "zod";
import {
  type Job,
  type JobNews,
  type LogLine,
  type Outlook,
  PRIORITIES,
  type Task,
} from "../../kernel/jobs/index.ts";
import { maskSealed } from "./http-request/sealed-headers.ts";
import { MISSED_RULES, type Schedule } from "./model.ts";

export const jobStatus = z.enum([
  "scheduled",
  "queued",
  "running",
  "retrying",
  "succeeded",
  "failed",
  "cancelled",
]);

export const jobView = z
  .strictObject({
    id: z.uuid(),
    project_id: z.uuid().nullable(),
    created_by: z.uuid().nullable(),
    task: z.string(),
    status: jobStatus,
    priority: z.enum(PRIORITIES),
    progress: z
      .strictObject({ done: z.number(), total: z.number().nullable(), message: z.string().nullable() })
      .nullable()
      .meta({ description: "Null until the job has told of any; total is null while it is unknown." }),
    result: z.unknown().meta({
      description:
        "What the task gave, once it has succeeded, and the counts of an upload that was cut off; else null. Beyond 1 MiB {file_id, url, size} of a stored file. In lists also null when larger than 8 KiB.",
    }),
    error: z
      .strictObject({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: "The latest failure; null once the job has succeeded." }),
    waits_for: z.strictObject({ code: z.string(), message: z.string() }).nullable().meta({
      description:
        "Why it waits though it is its turn, such as for an outside service that is down: its attempt does not count then, for a day in all.",
    }),
    errors: z
      .array(
        z.strictObject({ at: z.iso.datetime(), attempt: z.int(), code: z.string(), message: z.string() }),
      )
      .meta({ description: "All failures, the first one first." }),
    attempt: z.int(),
    max_attempts: z.int(),
    position: z.int().nullable().meta({
      description:
        "Place in its lane: 1 is the next. Exact up to 1,000, an estimate beyond. Null unless it waits and is due, and in lists.",
    }),
    estimated_completion_at: z.iso.datetime().nullable().meta({
      description: "From how long such jobs took lately. Null when nothing is known, and in lists.",
    }),
    created_at: z.iso.datetime(),
    run_at: z.iso.datetime().meta({ description: "When it is or was due." }),
    started_at: z.iso.datetime().nullable().meta({ description: "Of the latest attempt." }),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "Job" });

const UNKNOWN: Outlook = { position: null, estimatedCompletionAt: null };

export function toJobView(job: Job, outlook: Outlook = UNKNOWN): z.infer<typeof jobView> {
  return {
    id: job.id,
    project_id: job.projectId,
    created_by: job.createdBy,
    task: job.task,
    status: job.status,
    priority: job.priority,
    progress: job.progress,
    result: job.result ?? null,
    error: job.error,
    waits_for: job.waitsFor,
    errors: job.errors.map(({ at, ...error }) => ({ at: at.toISOString(), ...error })),
    attempt: job.attempt,
    max_attempts: job.maxAttempts,
    position: outlook.position,
    estimated_completion_at: outlook.estimatedCompletionAt?.toISOString() ?? null,
    created_at: job.createdAt.toISOString(),
    run_at: job.runAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
  };
}

/** A frame of the live feed. Ends are not among them: they are events. */
export function toJobFrame({ id, task, status, progress }: JobNews) {
  return { type: "job", id, task, status, progress };
}

export const lineView = z
  .strictObject({
    at: z.iso.datetime(),
    attempt: z.int(),
    level: z.enum(["info", "warn", "error"]),
    message: z.string(),
  })
  .meta({ id: "JobLogLine" });

export function toLineView({ at, ...line }: LogLine): z.infer<typeof lineView> {
  return { at: at.toISOString(), ...line };
}

export const taskView = z
  .strictObject({
    name: z.string(),
    description: z.string(),
    priority: z.enum(PRIORITIES).meta({ description: "Unless the call says otherwise." }),
    input_schema: z.record(z.string(), z.unknown()).meta({ description: "JSON schema of `input`." }),
  })
  .meta({ id: "JobTask" });

export function toTaskView(task: Task<unknown>): z.infer<typeof taskView> {
  return {
    name: task.name,
    description: task.forUsers?.description ?? "",
    priority: task.priority ?? "normal",
    input_schema: { ...z.toJSONSchema(task.input, { io: "input" }) },
  };
}

export const scheduleView = z
  .strictObject({
    id: z.uuid(),
    project_id: z.uuid(),
    created_by: z.uuid(),
    task: z.string(),
    input: z.unknown(),
    priority: z.enum(PRIORITIES).nullable().meta({ description: "Null: the task's." }),
    cron: z.string(),
    time_zone: z.string(),
    missed: z.enum(MISSED_RULES),
    is_active: z.boolean().meta({
      description:
        "False when it is paused, or when it may not run any more: then see to it and set it true.",
    }),
    next_at: z.iso.datetime().nullable(),
    last_at: z.iso.datetime().nullable(),
    last_job_id: z.uuid().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: "JobSchedule" });

export function toScheduleView(schedule: Schedule): z.infer<typeof scheduleView> {
  return {
    id: schedule.id,
    project_id: schedule.projectId,
    created_by: schedule.createdBy,
    task: schedule.task,
    input: maskSealed(schedule.input),
    priority: schedule.priority,
    cron: schedule.cron,
    time_zone: schedule.timeZone,
    missed: schedule.missed,
    is_active: schedule.isActive,
    next_at: schedule.nextAt?.toISOString() ?? null,
    last_at: schedule.lastAt?.toISOString() ?? null,
    last_job_id: schedule.lastJobId,
    created_at: schedule.createdAt.toISOString(),
    updated_at: schedule.updatedAt.toISOString(),
  };
}
