// Limits on how many jobs run at once: what is under one is parked until there is room, and admitted here.
import type { Sql } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { PRIORITIES } from "./job.ts";
import type { WakeUps } from "./wake-ups.ts";

export interface Admission {
  /** Something of this task in this project has ended, or was parked. */
  admit(task: string, projectId: string | null): void;
  /** The floor: what has become due, and what was missed. */
  admitAll(): void;
}

export interface AdmissionOptions {
  readonly sql: Sql;
  readonly log: Logger;
  readonly wakeUps: WakeUps;
}

export function createAdmission({ sql, log, wakeUps }: AdmissionOptions): Admission {
  /** By what is to be admitted: under way, and asked for again meanwhile. */
  const asked = new Map<string, boolean>();

  function ask(key: string, run: () => PromiseLike<{ lanes: number[] }[]>): void {
    if (asked.has(key)) {
      asked.set(key, true);
      return;
    }
    asked.set(key, false);
    void admitNow(run).then((isMore) => {
      const isAskedAgain = asked.get(key) === true;
      asked.delete(key);
      if (isMore || isAskedAgain) ask(key, run);
    });
  }

  /** Whether some were admitted, and so perhaps more can be. */
  async function admitNow(run: () => PromiseLike<{ lanes: number[] }[]>): Promise<boolean> {
    try {
      const lanes = new Set((await run())[0]?.lanes);
      for (const lane of lanes) wakeUps.send(PRIORITIES[lane] ?? "normal");
      return lanes.size > 0;
    } catch (error) {
      log.debug({ err: error }, "jobs under a limit could not be admitted yet");
      return false;
    }
  }

  return {
    admit(task, projectId) {
      ask(
        `${task} ${projectId}`,
        () => sql<{ lanes: number[] }>`SELECT jobs_admit(${task}, ${projectId}) AS lanes`,
      );
    },
    admitAll: () => ask("all", () => sql<{ lanes: number[] }>`SELECT jobs_admit_all() AS lanes`),
  };
}
