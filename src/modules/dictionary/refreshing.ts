// Keeps answers fresh that are asked for: when the counts of a project have changed, they are made anew in the background.
import type { Bus } from "../../kernel/bus/index.ts";
import type { Clock } from "../../kernel/clock/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import type { Asked, FindFrequentWords } from "./frequent-words.ts";

export interface Refreshing extends Part {
  /** An answer that was given here. */
  note(asked: Asked): void;
  /** Tells all processes that the counts of a project have changed. */
  announce(projectId: string): void;
}

export interface RefreshingDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly findFrequentWords: FindFrequentWords;
}

const TOPIC = "dictionary.counted";
/** One project's answers are made anew at most this often. */
const EVERY_MS = 10_000;
/** An answer that nobody has asked for since is left to expire. */
const FORGET_AFTER_MS = 3_600_000;
const MAX_PROJECTS = 1_000;
const MAX_ANSWERS = 20;

interface Watched {
  readonly answers: Map<string, { readonly asked: Asked; readonly atMs: number }>;
  refreshedAtMs: number;
  timer: Timer | undefined;
}

export function createRefreshing({ bus, clock, log, findFrequentWords }: RefreshingDeps): Refreshing {
  const projects = new Map<string, Watched>();
  let unsubscribe: (() => void) | undefined;

  /** The one used last goes last; of too many the first goes. */
  function watch(projectId: string): Watched {
    const watched = projects.get(projectId) ?? {
      answers: new Map(),
      refreshedAtMs: Number.NEGATIVE_INFINITY,
      timer: undefined,
    };
    projects.delete(projectId);
    projects.set(projectId, watched);
    const [oldest] = projects.keys();
    if (projects.size > MAX_PROJECTS && oldest !== undefined) drop(oldest);
    return watched;
  }

  function drop(projectId: string): void {
    clearTimeout(projects.get(projectId)?.timer);
    projects.delete(projectId);
  }

  /** At once, or when it is time again; then it sees all that has come meanwhile. */
  function schedule(projectId: string): void {
    const watched = projects.get(projectId);
    if (!watched || watched.timer) return;
    const waitMs = Math.max(0, watched.refreshedAtMs + EVERY_MS - performance.now());
    watched.timer = setTimeout(() => {
      watched.timer = undefined;
      watched.refreshedAtMs = performance.now();
      void refresh(projectId, watched);
    }, waitMs);
    // What is only fresher later keeps no process alive.
    watched.timer.unref();
  }

  async function refresh(projectId: string, { answers }: Watched): Promise<void> {
    for (const [key, { asked, atMs }] of [...answers]) {
      if (clock.now() - atMs > FORGET_AFTER_MS) answers.delete(key);
      else
        await findFrequentWords(asked, "refresh").catch((error) =>
          log.warn({ err: error, projectId }, "the dictionary of a project could not be made anew"),
        );
    }
    if (answers.size === 0) drop(projectId);
  }

  return {
    name: "dictionary",
    note(asked) {
      const { answers } = watch(asked.projectId);
      const key = `${asked.limit}:${asked.withStopWords}`;
      answers.delete(key);
      answers.set(key, { asked, atMs: clock.now() });
      const [oldest] = answers.keys();
      if (answers.size > MAX_ANSWERS && oldest !== undefined) answers.delete(oldest);
    },
    announce: (projectId) => bus.publish(TOPIC, { project_id: projectId }),
    async start() {
      unsubscribe ??= bus.subscribe(TOPIC, (message) => {
        const projectId = projectIn(message);
        if (projectId !== undefined) schedule(projectId);
      });
    },
    async stop() {
      unsubscribe?.();
      unsubscribe = undefined;
      for (const projectId of [...projects.keys()]) drop(projectId);
    },
  };
}

function projectIn(message: unknown): string | undefined {
  if (typeof message !== "object" || message === null || !("project_id" in message)) return undefined;
  return typeof message.project_id === "string" ? message.project_id : undefined;
}
