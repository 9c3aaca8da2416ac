// Stores changes of many documents: what comes while a statement is on its way goes with the next one.
import { pause } from "../../kernel/clock/index.ts";
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
const PATIENCE_MS = 250;

export function createAppender(db: Pick<Database, "single" | "groupCommit">): Appender {
  const waiting: Entry[] = [];
  let lanes = 0;

  async function drain(): Promise<void> {
    lanes++;
    // What comes in the same moment goes along.
    await Promise.resolve();
    while (waiting.length > 0) await store(next());
    lanes--;
  }

  function next(): Entry[] {
    let [count, bytes] = [0, 0];
    while (count < waiting.length && count < MAX_TOGETHER && bytes < MAX_BYTES) {
      bytes += waiting[count++]?.write.change.length ?? 0;
    }
    return waiting.splice(0, count);
  }

  async function store(entries: readonly Entry[]): Promise<void> {
    const [only] = entries;
    if (!only || entries.length > 1) return storeTogether(entries);
    // It may have to wait for its document: the others do not wait for it.
    await Promise.race([storeOne(only), pause(PATIENCE_MS)]);
  }

  /** The usual case, and half as dear as together. */
  async function storeOne(entry: Entry): Promise<void> {
    try {
      const outcome = await db.single((tx) => appendChange(tx, entry.write, undefined));
      if (outcome.appended || outcome.refusedIds.length > 0) entry.resolve(outcome);
      else void storeAlone(entry);
    } catch (error) {
      entry.reject(error);
    }
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
        if (isKnown) void storeAlone(entry);
        else entry.reject(error);
      }
    }
  }

  /** Waits for the document where it is held, begins a session where there is none, and says why nothing was stored. */
  function storeAlone({ write, resolve, reject }: Entry): Promise<void> {
    return db
      .groupCommit(write.postId, (tx) => appendChange(tx, write, write.prepareSettling()))
      .then(resolve, reject);
  }

  return {
    append: (write) =>
      new Promise((resolve, reject) => {
        waiting.push({ write, resolve, reject });
        if (lanes < LANES) void drain();
      }),
  };
}
