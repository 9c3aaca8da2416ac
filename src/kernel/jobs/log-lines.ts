// Lines of the jobs that people run: what handlers log is also kept for them, twice a second, the last thousand of a job.
import type { Sql } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { ClaimedJob, Held } from "./worker-store.ts";

export const MAX_LINES = 1000;
const MAX_LINE_CHARS = 500;
const INTERVAL_MS = 500;

type Level = "info" | "warn" | "error";

interface Line extends Held {
  readonly at: string;
  readonly level: Level;
  readonly message: string;
}

export interface LogLines {
  /** The handler's logger. Of a job that somebody runs, messages of level info and above are also kept; never fields. */
  loggerOf(job: ClaimedJob, log: Logger): Logger;
  /** Call it before a job's end is written: the lines of one that is not ours any more are dropped. */
  flush(): Promise<void>;
  has(jobId: string): boolean;
  stop(): void;
}

export function createLogLines(sql: Sql, log: Logger): LogLines {
  const lines = new Map<string, Line[]>();
  let timer: Timer | undefined;
  let writing = Promise.resolve();

  function keep(job: ClaimedJob, level: Level, message: string): void {
    const ofJob = lines.get(job.id) ?? [];
    lines.set(job.id, ofJob);
    const text = message.slice(0, MAX_LINE_CHARS).toWellFormed().replaceAll("\0", "\u{FFFD}");
    ofJob.push({ id: job.id, attempt: job.attempt, at: new Date().toISOString(), level, message: text });
    if (ofJob.length > MAX_LINES) ofJob.shift();
    timer ??= setTimeout(() => void flush(), INTERVAL_MS);
  }

  async function write(): Promise<void> {
    const batch = [...lines.values()].flat();
    lines.clear();
    try {
      if (batch.length > 0) await insertLines(sql, batch);
    } catch (error) {
      log.debug({ err: error }, "lines of jobs could not be kept");
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  }

  function wrap(job: ClaimedJob, logger: Logger): Logger {
    const both = (level: Level) => (fields: object, message: string) => {
      logger[level](fields, message);
      keep(job, level, String(message));
    };
    return {
      debug: logger.debug,
      line: logger.line,
      info: both("info"),
      warn: both("warn"),
      error: both("error"),
      child: (fields) => wrap(job, logger.child(fields)),
    };
  }

  return {
    loggerOf: (job, logger) => (job.isForUser ? wrap(job, logger) : logger),
    flush,
    has: (jobId) => lines.has(jobId),
    stop: () => clearTimeout(timer),
  };
}

/** Deletes as many old ones as it must; those of this batch it can't see yet, so that for a moment there are more. */
async function insertLines(sql: Sql, lines: readonly Line[]): Promise<void> {
  await sql`
    WITH batch AS (
      SELECT l.id, l.attempt, l.at, l.level, l.message, l.place
      FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(lines)}::text::jsonb)
        AS (id uuid, attempt int, at timestamptz, level text, message text)) WITH ORDINALITY
        AS l (id, attempt, at, level, message, place)
      JOIN jobs j ON j.id = l.id AND j.attempt = l.attempt AND j.state = 'running'),
    old AS (
      DELETE FROM job_log_lines l USING (SELECT DISTINCT id FROM batch) b
      WHERE l.job_id = b.id AND l.n <= (
        SELECT k.n FROM job_log_lines k WHERE k.job_id = b.id ORDER BY k.n DESC OFFSET ${MAX_LINES} LIMIT 1))
    INSERT INTO job_log_lines (job_id, at, attempt, level, message)
    SELECT id, at, attempt, level, message FROM batch ORDER BY place`;
}

export interface LogLine {
  readonly at: Date;
  readonly attempt: number;
  readonly level: Level;
  readonly message: string;
}

/** The last of them, oldest first. */
export async function listLines(sql: Sql, jobId: string): Promise<LogLine[]> {
  const rows = await sql<LogLine>`
    SELECT at, attempt, level, message FROM (
      SELECT * FROM job_log_lines WHERE job_id = ${jobId} ORDER BY n DESC LIMIT ${MAX_LINES}) AS latest
    ORDER BY n`;
  return rows.map((row) => ({ ...row }));
}
