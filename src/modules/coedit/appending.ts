// Stores changes of many documents: what comes while a statement is on its way goes with the next one.
import { type Database, isDatabaseAway } from "../../kernel/db/index.ts";
import { type Appended, type Appending, appendChange, appendTogether } from "./store/appending.ts";

export interface AppendOutcome {
  /** Of those who may not write any more: nothing was stored. */
  readonly refusedIds: readonly string[];
  /** Undefined when nothing was stored: somebody was refused, or the document is gone. */
  readonly appended: Appended | undefined;
}

export interface Appender {
  /** One at a time of each document. */
  append(write: Appending): Promise<AppendOutcome>;
}

interface Entry {
  readonly write: Appending;
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** While one statement is forced to the disk the next one is computed. */
const LANES = 2;
/** Each waits for all. */
const MAX_TOGETHER = 64;
const MAX_BYTES = 1024 * 1024;

export function createAppender(db: Pick<Database, "single" | "groupCommit">): Appender {
  const waiting: Entry[] = [];
  let lanes = 0;

  async function drain(): Promise<void> {
    lanes++;
    // What comes in the same moment goes along.
    await Promise.resolve();
    while (waiting.length > 0) await storeTogether(next());
    lanes--;
  }

  function next(): Entry[] {
    let [count, bytes] = [0, 0];
    while (count < waiting.length && count < MAX_TOGETHER && bytes < MAX_BYTES) {
      bytes += waiting[count++]?.write.change.length ?? 0;
    }
    return waiting.splice(0, count);
  }

  async function storeTogether(entries: readonly Entry[]): Promise<void> {
    try {
      const stored = await db.single((tx) =>
        appendTogether(
          tx,
          entries.map(({ write }) => write),
        ),
      );
      for (const entry of entries) {
        const appended = stored.get(entry.write.postId);
        if (appended) entry.resolve({ refusedIds: [], appended });
        else void storeAlone(entry);
      }
    } catch (error) {
      // It has left nothing, and one of them is why; or nobody knows what it has left.
      const isKnown = !isDatabaseAway(error);
      for (const entry of entries) {
        if (isKnown && entries.length > 1) void storeAlone(entry);
        else entry.reject(error);
      }
    }
  }

  /** Waits for the document where it is held, begins a session where there is none, and says why nothing was stored. */
  function storeAlone({ write, resolve, reject }: Entry): Promise<void> {
    return db.groupCommit(write.postId, (tx) => appendChange(tx, write)).then(resolve, reject);
  }

  return {
    append: (write) =>
      new Promise((resolve, reject) => {
        waiting.push({ write, resolve, reject });
        if (lanes < LANES) void drain();
      }),
  };
}
