// How long attempts take lately, by task and by lane: gathered in the process, settled with the database every few seconds.
import type { Sql } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { laneSubject, taskSubject } from "./outlook.ts";

export interface Paces {
  note(job: { readonly task: string; readonly lane: number }, runMs: number): void;
  stop(): void;
}

const INTERVAL_MS = 2000;

export function createPaces(sql: Sql, log: Logger): Paces {
  let sums = new Map<string, { totalMs: number; count: number }>();
  let timer: Timer | undefined;

  function add(subject: string, runMs: number): void {
    const sum = sums.get(subject) ?? { totalMs: 0, count: 0 };
    sums.set(subject, { totalMs: sum.totalMs + runMs, count: sum.count + 1 });
  }

  async function settle(): Promise<void> {
    timer = undefined;
    const subjects = [...sums.keys()].sort();
    const means = subjects.map((subject) => {
      const { totalMs = 0, count = 1 } = sums.get(subject) ?? {};
      return totalMs / count;
    });
    sums = new Map();
    try {
      await sql`
        INSERT INTO job_paces AS p (subject, run_ms)
        SELECT * FROM unnest(${subjects}::text[], ${means}::float8[])
        ON CONFLICT (subject) DO UPDATE SET run_ms = p.run_ms * 0.8 + excluded.run_ms * 0.2`;
    } catch (error) {
      // Estimates are a little older then.
      log.debug({ err: error }, "the pace of jobs could not be kept");
    }
  }

  return {
    note({ task, lane }, runMs) {
      add(taskSubject(task), runMs);
      add(laneSubject(lane), runMs);
      timer ??= setTimeout(() => void settle(), INTERVAL_MS);
    },
    stop: () => clearTimeout(timer),
  };
}
