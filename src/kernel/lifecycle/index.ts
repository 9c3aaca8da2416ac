// Long-lived parts: started in order, stopped in reverse, both safe to call twice.
export { createLine } from "./line.ts";

export interface Part {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface Lifecycle extends Part {
  /** Adds a part that starts after all those added before. */
  add(part: Part): void;
}

type State =
  | { state: "idle" }
  | { state: "started"; done: Promise<void> }
  | { state: "stopped"; done: Promise<void> };

/**
 * Runs parts as one. A part that fails to start stops those before it and itself; a failed stop does not keep others from
 * stopping. Stopping while it starts waits for the part that is starting and starts no further one.
 */
export function createLifecycle(
  name: string,
  onStopError: (part: string, error: unknown) => void,
): Lifecycle {
  const parts: Part[] = [];
  const running: Part[] = [];
  let current: State = { state: "idle" };

  async function startAll(): Promise<void> {
    for (const part of parts) {
      if (current.state === "stopped") return;
      running.push(part);
      await part.start();
    }
  }

  async function stopAll(): Promise<void> {
    for (let part = running.pop(); part; part = running.pop()) {
      try {
        await part.stop();
      } catch (error) {
        onStopError(part.name, error);
      }
    }
  }

  return {
    name,
    add: (part) => void parts.push(part),
    start() {
      if (current.state === "idle") {
        const done = startAll().catch(async (error) => {
          await stopAll();
          throw error;
        });
        current = { state: "started", done };
      }
      return current.done;
    },
    stop() {
      if (current.state === "stopped") return current.done;
      const starting = current.state === "started" ? current.done.catch(() => {}) : Promise.resolve();
      const done = starting.then(stopAll);
      current = { state: "stopped", done };
      return done;
    },
  };
}
