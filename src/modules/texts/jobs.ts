// What the texts module does later: analysing what waits, making an index anew, and the record of an upload that was cut off.
import { z } from "zod";
import type { Database } from "../../kernel/db/index.ts";
import type { Events } from "../../kernel/events/index.ts";
import { type JobContext, type Jobs, PermanentJobError, type Task } from "../../kernel/jobs/index.ts";
import { paragraphsAnalysed } from "./events.ts";
import { countPending, listPending, type PendingParagraph, vacuumCounted } from "./store.ts";
import type { Counted, InTransaction, MaintenanceRun, Taken, WordIndex } from "./word-index/index.ts";

const projectInput = z.strictObject({ project_id: z.uuid() });
export type ProjectInput = z.infer<typeof projectInput>;

export const ANALYSE_KEY = "analyse";
export const ANALYSE_LANE = "normal";

/** One transaction's worth: some 400 ms of work, some 40 MB of memory, and a segment of the first tier. */
const BATCH = { maxParagraphs: 8_192, maxUnits: 4_000_000 };
/** So many leave dead entries in the indexes of those that wait and of the most frequent words, which each question has to step over. */
const VACUUM_PARAGRAPHS = 32_768;
/** A million paragraphs waiting take minutes; the job can be cut off and goes on where it was. */
const ANALYSE_TIMEOUT_MS = 6 * 3_600_000;

export interface AnalyseDeps {
  readonly db: Database;
  readonly events: Pick<Events, "append">;
  readonly index: WordIndex;
  /** After the counts of a project have changed. */
  readonly onCounted?: (projectId: string) => void;
}

/** One job of a project drains all that waits. Enqueue it with ANALYSE_KEY: then there is one writer of the index. */
export function createAnalyseTask(deps: AnalyseDeps): Task<ProjectInput> {
  const { db, index } = deps;
  return {
    name: "texts.analyse",
    input: projectInput,
    priority: ANALYSE_LANE,
    timeoutMs: ANALYSE_TIMEOUT_MS,
    async run({ project_id: projectId }, context) {
      const inTransaction: InTransaction = (work) =>
        db.transaction(
          async (tx) => {
            await context.fence(tx);
            return work(tx);
          },
          { pool: "long" },
        );
      const maintenance = { sql: db.longSql, inTransaction, signal: context.signal };
      const { done, isDue } = await drain(deps, projectId, maintenance, context);
      // With nothing done it was enqueued because of what was deleted, or of a new version.
      if (isDue || done === 0) await index.maintain(maintenance, projectId);
      if (done === 0) deps.onCounted?.(projectId);
      // Best done now, and no failure of the job: it would be done all the same, a minute or two later.
      if (done >= VACUUM_PARAGRAPHS) await vacuumCounted(db.longSql).catch(() => {});
      return { paragraphs: done };
    },
  };
}

async function drain(
  deps: AnalyseDeps,
  projectId: string,
  maintenance: MaintenanceRun,
  context: Pick<JobContext, "progress">,
): Promise<{ done: number; isDue: boolean }> {
  const { db, index } = deps;
  const { signal, inTransaction } = maintenance;
  let done = 0;
  let isDue = false;
  let total: number | null = null;
  let pending = await listPending(db.longSql, projectId, BATCH);
  let counting = index.count(pending, signal);
  let merging = Promise.resolve();
  try {
    while (pending.length > 0) {
      signal.throwIfAborted();
      // What is handed in from here on has a job of its own: only what was more than a batch is left to this one.
      const isFull = isFullBatch(pending);
      if (isFull) total ??= done + (await countPending(db.longSql, projectId));
      const next = isFull ? await listPending(db.longSql, projectId, BATCH, pending.at(-1)?.id) : [];
      const counted = await counting;
      // While the database takes this batch in, the words of the next one are counted.
      counting = index.count(next, signal);
      counting.catch(() => {});
      pending = next;
      const taken = await analyse(deps, projectId, counted, inTransaction);
      done += taken.ids.length;
      deps.onCounted?.(projectId);
      context.progress(done, total === null ? done : Math.max(done, total));
      if (!taken.isDue) continue;
      isDue = true;
      // Segments are merged while the next batches are taken in.
      await merging;
      merging = index.merge(maintenance, projectId);
      merging.catch(() => {});
    }
    await merging;
  } finally {
    // Nothing goes on when the job has ended.
    await Promise.allSettled([merging]);
  }
  return { done, isDue };
}

const nothing = z.strictObject({});
export type ReanalyseInput = z.infer<typeof nothing>;

export interface ReanalyseDeps extends Pick<AnalyseDeps, "db" | "index"> {
  readonly jobs: Pick<Jobs, "enqueue">;
  readonly analyseTask: Task<ProjectInput>;
}

/** People may run it. The work itself is left to the project's one analysis, so that the index has one writer. */
export function createReanalyseTask({ db, index, jobs, analyseTask }: ReanalyseDeps): Task<ReanalyseInput> {
  return {
    name: "text.reanalyse",
    input: nothing,
    forUsers: {
      description:
        "Counts all words of the project anew, while the old counts answer. Its result names the job that does it.",
    },
    run: (_, context) =>
      db.transaction(async (tx) => {
        await context.fence(tx);
        const { projectId } = context;
        if (projectId === null) throw new PermanentJobError("NO_PROJECT", "This task belongs to a project.");
        await index.requestRebuild(tx, projectId);
        const options = { projectId, uniqueKey: ANALYSE_KEY };
        const analysisJobId = await jobs.enqueue(tx, analyseTask, { project_id: projectId }, options);
        return { analysis_job_id: analysisJobId };
      }),
  };
}

function isFullBatch(pending: readonly PendingParagraph[]): boolean {
  let units = 0;
  for (const { content } of pending) units += content.length;
  return pending.length >= BATCH.maxParagraphs || units >= BATCH.maxUnits;
}

function analyse(
  { events, index }: AnalyseDeps,
  projectId: string,
  counted: Counted,
  inTransaction: InTransaction,
): Promise<Taken> {
  return inTransaction(async (tx) => {
    const taken = await index.take(tx, projectId, counted);
    for (const event of paragraphsAnalysed(projectId, taken.ids)) await events.append(tx, event);
    return taken;
  });
}

const importInput = z.strictObject({
  project_id: z.uuid(),
  accepted: z.int().meta({ description: "Paragraphs that were stored." }),
  rejected_count: z.int(),
  last_line: z
    .int()
    .meta({ description: "Line of the file in which the last stored paragraph begins; 0: none." }),
});
export type ImportInput = z.infer<typeof importInput>;

/** Never run: the record of an upload that ended before its end, see Jobs.recordFailure. */
export const importTask: Task<ImportInput> = {
  name: "texts.import",
  input: importInput,
  async run() {
    throw new PermanentJobError(
      "IMPORT_TRUNCATED",
      "The upload was cut off. Send the rest of the file again.",
    );
  },
};
