// Hints that a lane has work: over the bus after the commit, a burst of them as one. Losing one costs a poll, never a job.
import type { Bus } from "../bus/index.ts";
import { PRIORITIES, type Priority } from "./job.ts";

export interface WakeUps {
  send(priority: Priority): void;
  /** Returns how to stop hearing them. */
  hear(onWake: (lanes: readonly number[]) => void): () => void;
}

const TOPIC = "jobs.wake";
/** After a hint went out, further ones for the lane wait this long and go as one. */
const QUIET_MS: Record<Priority, number> = { urgent: 2, high: 10, normal: 20, low: 20 };

export function createWakeUps(bus: Bus): WakeUps {
  /** A lane is in here while it is quiet; true when it was asked for meanwhile. */
  const quiet = new Map<Priority, boolean>();

  function send(priority: Priority): void {
    if (quiet.has(priority)) {
      quiet.set(priority, true);
      return;
    }
    quiet.set(priority, false);
    bus.publish(TOPIC, PRIORITIES.indexOf(priority));
    setTimeout(() => {
      const wasAsked = quiet.get(priority);
      quiet.delete(priority);
      if (wasAsked) send(priority);
    }, QUIET_MS[priority]).unref();
  }

  return {
    send,
    hear: (onWake) => bus.subscribe(TOPIC, (lane) => typeof lane === "number" && onWake([lane])),
  };
}
