// What of a job leaves the server.
import { z } from "zod";
import { type Job, PRIORITIES } from "../../kernel/jobs/index.ts";

export const jobView = z
  .strictObject({
    id: z.uuid(),
    project_id: z.uuid().nullable(),
    task: z.string(),
    status: z.enum(["scheduled", "queued", "running", "retrying", "succeeded", "failed", "cancelled"]),
    priority: z.enum(PRIORITIES),
    progress: z
      .strictObject({ done: z.number(), total: z.number().nullable(), message: z.string().nullable() })
      .nullable()
      .meta({ description: "Null until the job has told of any; total is null while it is unknown." }),
    result: z.unknown().meta({ description: "What the task gave, once it has succeeded; else null." }),
    error: z
      .strictObject({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: "The latest failure." }),
    attempt: z.int(),
    max_attempts: z.int(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable().meta({ description: "Of the latest attempt." }),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "Job" });

export function toJobView(job: Job): z.infer<typeof jobView> {
  return {
    id: job.id,
    project_id: job.projectId,
    task: job.task,
    status: job.status,
    priority: job.priority,
    progress: job.progress,
    result: job.result ?? null,
    error: job.error,
    attempt: job.attempt,
    max_attempts: job.maxAttempts,
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
  };
}
