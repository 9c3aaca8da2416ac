// What of a worker leaves the server.
import { z } from "zod";
import { PRIORITIES } from "../../kernel/jobs/index.ts";
import type { SeenWorker } from "./actions/workers.ts";

export const workerView = z
  .strictObject({
    id: z.uuid(),
    host: z.string(),
    role: z.string(),
    lanes: z.array(z.enum(PRIORITIES)).meta({ description: "It takes jobs of these alone." }),
    concurrency: z.int().meta({ description: "Jobs at once; one slot more is kept for urgent ones." }),
    load: z
      .number()
      .meta({ description: "Running jobs by concurrency: 1 is full, a little more with an urgent one." }),
    current_jobs: z
      .array(
        z.strictObject({
          id: z.uuid(),
          project_id: z.uuid(),
          task: z.string(),
          started_at: z.iso.datetime(),
        }),
      )
      .meta({ description: "Those of your projects." }),
    other_jobs: z.int().meta({ description: "How many more it runs." }),
    breakers: z
      .array(
        z.strictObject({
          name: z.string(),
          state: z.enum(["closed", "open", "half_open"]),
          failures: z.int().meta({ description: "In a row." }),
          retry_at: z.iso.datetime().nullable(),
        }),
      )
      .meta({
        description:
          "Circuits of its process to outside services; those to addresses of users in their projects alone.",
      }),
    started_at: z.iso.datetime(),
    last_beat_at: z.iso.datetime(),
  })
  .meta({ id: "JobWorker" });

export function toWorkerView(worker: SeenWorker): z.infer<typeof workerView> {
  const { current, runningCount, slots } = worker;
  return {
    id: worker.id,
    host: worker.host,
    role: worker.roles.join(", "),
    lanes: [...worker.lanes],
    concurrency: slots,
    load: slots > 0 ? Math.round((runningCount / slots) * 100) / 100 : 0,
    current_jobs: current.map(({ id, projectId, task, startedAt }) => ({
      id,
      project_id: projectId,
      task,
      started_at: startedAt.toISOString(),
    })),
    other_jobs: runningCount - current.length,
    breakers: worker.breakers.map(({ name, state, failures, retryAt }) => ({
      name,
      state,
      failures,
      retry_at: retryAt?.toISOString() ?? null,
    })),
    started_at: worker.startedAt.toISOString(),
    last_beat_at: worker.beatAt.toISOString(),
  };
}
