// What the texts module does later: analysing what waits, making an index anew, and the record of an upload that was cut off.
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import type { Database } from "../../kernel/db/index.ts";
import type { Events } from "../../kernel/events/index.ts";
import { type Jobs, PermanentJobError, type Task } from "../../kernel/jobs/index.ts";
import { paragraphsAnalysed } from "./events.ts";
import type { Languages } from "./language/languages.ts";
import { countPending, listPending, type PendingParagraph } from "./store.ts";
import type { CountedParagraph, InTransaction, Taken, WordIndex } from "./word-index/index.ts";

const projectInput = z.strictObject({ project_id: z.uuid() });
export type ProjectInput = z.infer<typeof projectInput>;

export const ANALYSE_KEY = "analyse";
export const ANALYSE_LANE = "normal";

/** One transaction's worth: some 400 ms of work, some 40 MB of memory, and a segment that need not be merged into its first tier. */
const BATCH = { maxParagraphs: 4_096, maxUnits: 2_500_000 };
/** A million paragraphs waiting take minutes; the job can be cut off and goes on where it was. */
const ANALYSE_TIMEOUT_MS = 6 * 3_600_000;

export interface AnalyseDeps {
  readonly db: Database;
  readonly events: Pick<Events, "append">;
  readonly languages: Pick<Languages, "recognise">;
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
      const maintain = () =>
        index.maintain({ sql: db.longSql, inTransaction, signal: context.signal }, projectId);
      let done = 0;
      let total: number | null = null;
      let pending = await listPending(db.longSql, projectId, BATCH);
      let counting = countWords(deps, pending, context.signal);
      while (pending.length > 0) {
        context.signal.throwIfAborted();
        // What is handed in from here on has a job of its own: only what was more than a batch is left to this one.
        const isFull = isFullBatch(pending);
        if (isFull) total ??= done + (await countPending(db.longSql, projectId));
        const next = isFull ? await listPending(db.longSql, projectId, BATCH, pending.at(-1)?.id) : [];
        const counted = await counting;
        // While the database takes this batch in, the words of the next one are counted.
        counting = countWords(deps, next, context.signal);
        counting.catch(() => {});
        pending = next;
        const taken = await analyse(deps, projectId, counted, inTransaction);
        done += taken.ids.length;
        deps.onCounted?.(projectId);
        context.progress(done, total === null ? done : Math.max(done, total));
        if (taken.isDue) await maintain();
      }
      // Then it was enqueued because of what was deleted, or of a new version.
      if (done === 0) {
        await maintain();
        deps.onCounted?.(projectId);
      }
      return { paragraphs: done };
    },
  };
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

/** So many at a time, some milliseconds of work, then the statements that are under way go on. */
const SLICE = 64;

async function countWords(
  { languages, index }: AnalyseDeps,
  pending: readonly PendingParagraph[],
  signal: AbortSignal,
): Promise<CountedParagraph[]> {
  const counted: CountedParagraph[] = [];
  for (const { id, authorId, postId, source, content, lang } of pending) {
    const text = index.readText(content);
    counted.push({
      id,
      authorId,
      postId,
      source,
      content,
      lang: lang ?? (await languages.recognise(content, text.counts)),
      text,
    });
    if (counted.length % SLICE > 0) continue;
    await setImmediate();
    signal.throwIfAborted();
  }
  return counted;
}

function analyse(
  { events, index }: AnalyseDeps,
  projectId: string,
  counted: readonly CountedParagraph[],
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
