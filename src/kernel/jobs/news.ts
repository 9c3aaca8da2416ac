// News of the jobs that people run, for those who look on: over the bus, gathered, and lost without harm.
import type { Bus } from "../bus/index.ts";
import type { JobStatus, Progress } from "./job.ts";

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

const TOPIC = "jobs.news";
/** A job that is done sooner tells of its end alone; nobody sees more than four changes a second. */
const GATHER_MS = 250;

export function createNews(bus: Bus): News {
  const gathered = new Map<string, JobNews>();
  let isGathering = false;

  function send(): void {
    isGathering = false;
    for (const news of gathered.values()) bus.publish(TOPIC, news);
    gathered.clear();
  }

  return {
    tell(news) {
      gathered.set(news.id, news);
      if (isGathering) return;
      isGathering = true;
      setTimeout(send, GATHER_MS).unref();
    },
    forget: (jobId) => void gathered.delete(jobId),
    // Only `send` above writes to this topic.
    hear: (onNews) => bus.subscribe(TOPIC, (news) => onNews(news as JobNews)),
  };
}
