// Progress of running jobs, kept until the next write: twice a second, all jobs of the process in one statement.
import type { Sql } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type ProgressNote, writeProgress } from "./worker-store.ts";

export interface ProgressNotes {
  /** Returns it as it will be stored. */
  note(note: ProgressNote): ProgressNote;
  /** Writes what is noted; call it before a job's end is written, so that its last word is kept. */
  flush(): Promise<void>;
  /** Whether the job has something unwritten. */
  has(jobId: string): boolean;
  stop(): void;
}

const INTERVAL_MS = 500;
const MAX_MESSAGE_CHARS = 200;

export function createProgressNotes(sql: Sql, log: Logger): ProgressNotes {
  let notes = new Map<string, ProgressNote>();
  let timer: Timer | undefined;
  let writing = Promise.resolve();

  async function write(): Promise<void> {
    const batch = [...notes.values()];
    notes = new Map();
    try {
      if (batch.length > 0) await writeProgress(sql, batch);
    } catch (error) {
      // The next note brings newer figures anyway.
      log.debug({ err: error }, "progress could not be written");
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  }

  return {
    note(note) {
      const noted = { ...note, message: note.message && storable(note.message) };
      notes.set(note.id, noted);
      timer ??= setTimeout(() => void flush(), INTERVAL_MS);
      return noted;
    },
    flush,
    has: (jobId) => notes.has(jobId),
    stop: () => clearTimeout(timer),
  };
}

function storable(text: string): string {
  return text.slice(0, MAX_MESSAGE_CHARS).toWellFormed().replaceAll("\0", "\u{FFFD}");
}
