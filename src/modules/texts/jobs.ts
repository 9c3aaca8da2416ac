// What the texts module does later: analysing what waits, making an index anew, and the record of an upload that was cut off.
import { z } from "zod";
import type { Database, Sql, Tx } from "../../kernel/db/index.ts";
import type { Events } from "../../kernel/events/index.ts";
import { type JobContext, type Jobs, PermanentJobError, type Task } from "../../kernel/jobs/index.ts";
import { paragraphsAnalysed } from "./events.ts";
import { countPending, listPending, lockPending, markAnalysed, type PendingParagraph } from "./store.ts";
import { TOKENIZER_VERSION, type Tokenizer } from "./tokenizer/tokenizer.ts";
import type { AnalysedParagraph, WordIndex } from "./word-index/index.ts";

const projectInput = z.strictObject({ project_id: z.uuid() });
export type ProjectInput = z.infer<typeof projectInput>;

/** One transaction's worth: some 200 ms of work, some 20 MB of memory. */
const BATCH = { maxParagraphs: 2_000, maxUnits: 2_000_000 };
/** A million paragraphs waiting take minutes; the job can be cut off and goes on where it was. */
const ANALYSE_TIMEOUT_MS = 6 * 3_600_000;

export interface AnalyseDeps {
  readonly db: Database;
  readonly events: Pick<Events, "append">;
  readonly tokenizer: Tokenizer;
  readonly index: WordIndex;
}

/** One job of a project drains all that waits. Enqueue it with `analyseKey`: then there is one writer of the index. */
export function createAnalyseTask(deps: AnalyseDeps): Task<ProjectInput> {
  const { db, index } = deps;
  return {
    name: "texts.analyse",
    input: projectInput,
    timeoutMs: ANALYSE_TIMEOUT_MS,
    async run({ project_id: projectId }, context) {
      const inTransaction = <T>(work: (tx: Tx) => Promise<T>) =>
        db.transaction(
          async (tx) => {
            await context.fence(tx);
            return work(tx);
          },
          { pool: "long" },
        );
      const maintenance = { sql: db.longSql, inTransaction, signal: context.signal };
      const total = await countPending(db.longSql, projectId);
      let done = 0;
      for (;;) {
        context.signal.throwIfAborted();
        const pending = await listPending(db.longSql, projectId, BATCH);
        if (pending.length === 0) break;
        done += await analyse(deps, projectId, pending, inTransaction);
        context.progress(done, Math.max(done, total));
        await index.maintain(maintenance, projectId);
      }
      // Also when nothing waited: it may have been enqueued because of what was deleted.
      await index.maintain(maintenance, projectId);
      return { paragraphs: done };
    },
  };
}

export const ANALYSE_KEY = "analyse";

/** Returns how many there still were. */
async function analyse(
  { events, tokenizer, index }: AnalyseDeps,
  projectId: string,
  pending: readonly PendingParagraph[],
  inTransaction: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>,
): Promise<number> {
  const counted = pending.map((paragraph) => {
    const counts = tokenizer.countWords(paragraph.content);
    let wordCount = 0;
    for (const count of counts.values()) wordCount += count;
    return { ...paragraph, counts, wordCount };
  });
  const { firstDoc, there } = await inTransaction(async (tx) => {
    const locked = await lockPending(
      tx,
      pending.map((paragraph) => paragraph.id),
    );
    const there = counted.filter((paragraph) => locked.has(paragraph.id));
    if (there.length === 0) return { firstDoc: 0, there };
    const ids = there.map((paragraph) => paragraph.id);
    const wordCounts = there.map((paragraph) => paragraph.wordCount);
    const occurrences = wordCounts.reduce((sum, count) => sum + count, 0);
    const firstDoc = await index.takeNumbers(tx, projectId, { documents: ids.length, occurrences });
    await markAnalysed(tx, { ids, wordCounts, firstDoc, tokenizerVersion: TOKENIZER_VERSION });
    for (const event of paragraphsAnalysed(projectId, ids)) await events.append(tx, event);
    return { firstDoc, there };
  });
  const paragraphs: AnalysedParagraph[] = there.map((paragraph, place) => ({
    ...paragraph,
    doc: firstDoc + place,
  }));
  await index.remember(
    projectId,
    paragraphs,
    there.map((paragraph) => paragraph.counts),
  );
  return there.length;
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
