// News of the jobs that people run, for those who look on: over the bus, gathered, and lost without harm.
import type { Bus } from "../bus/index.ts";
import type { Sql } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { JobStatus, Progress } from "./job.ts";
import { listStillWaiting } from "./store.ts";

/** Ends are no news: they are in the project's log. */
export interface JobNews {
  readonly id: string;
  readonly projectId: string;
  readonly task: string;
  readonly status: Exclude<JobStatus, "succeeded" | "failed" | "cancelled">;
  readonly progress: Progress | null;
}

export interface News {
  /** The latest of a job goes out after a moment. */
  tell(news: JobNews): void;
  /** It has ended: what was not told yet is stale. */
  forget(jobId: string): void;
  /** Returns how to stop hearing them. */
  hear(onNews: (news: JobNews) => void): () => void;
}

export interface NewsDeps {
  readonly bus: Bus;
  /** Whether a job still waits is asked for: another process may have begun it, and told of that or of its end. */
  readonly sql: Sql;
  readonly log: Logger;
}

const TOPIC = "jobs.news";
/** A job that is done sooner tells of its end alone; nobody sees more than four changes a second. */
const GATHER_MS = 250;

export function createNews({ bus, sql, log }: NewsDeps): News {
  let gathered = new Map<string, JobNews>();
  let isGathering = false;

  async function send(): Promise<void> {
    isGathering = false;
    const told = [...gathered.values()];
    gathered = new Map();
    const waiting = told.filter(({ status }) => status !== "running").map(({ id }) => id);
    try {
      const stillWaiting = await listStillWaiting(sql, waiting);
      for (const news of told) {
        if (news.status === "running" || stillWaiting.has(news.id)) bus.publish(TOPIC, news);
      }
    } catch (error) {
      log.debug({ err: error }, "news of jobs were not told");
    }
  }

  return {
    tell(news) {
      gathered.set(news.id, news);
      if (isGathering) return;
      isGathering = true;
      setTimeout(() => void send(), GATHER_MS).unref();
    },
    forget: (jobId) => void gathered.delete(jobId),
    // Only `send` above writes to this topic.
    hear: (onNews) => bus.subscribe(TOPIC, (news) => onNews(news as JobNews)),
  };
}
