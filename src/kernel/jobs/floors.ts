// Where in its lane a claim begins to look: at the front, but while an open transaction keeps dead rows there, which each
// look would have to pass, only now and then; else near where the last job was found.

/** What is claimed: its lane, and how long it had been due. */
interface Found {
  readonly lane: number;
  readonly waitedMs: number;
}

export interface Looked<Job extends Found> {
  readonly jobs: Job[];
  readonly tookMs: number | null;
}

export interface Floors {
  /**
   * Claims by `claim`, which is told for each lane how long a job may be due for at most, null: any time; and tells how long
   * the look took without its commit, null when that is not known.
   */
  look<Job extends Found>(
    lanes: readonly number[],
    claim: (floorsMs: readonly (number | null)[]) => Promise<Looked<Job>>,
  ): Promise<Job[]>;
}

/** A look at the front that takes longer is slow; what it has taken may take its time too. */
const SLOW_MS = 8;
const SLOW_MS_A_JOB = 0.1;
/** So many in a row: a busy machine makes one slow now and then, dead rows make each. */
const SLOW_LOOKS = 3;
/** Jobs are handed in with the time of their statement and seen with their commit: so far behind the last one is looked. */
const SLACK_MS = 1000;
/** While looks at the front are slow: how long after one the next may come, and what part of the time they take at most. */
const FRONT_EVERY_MS = 500;
const FRONT_SHARE = 0.05;

/** What waits further back than a floor is found by the next look at the front: late, and never lost. */
export function createFloors(nowMs: () => number = () => performance.now()): Floors {
  /** When the last job that was found of a lane was due, in our own time. */
  const lastDueMs = new Map<number, number>();
  let nextFrontMs = Number.NEGATIVE_INFINITY;
  let slowLooks = 0;

  function floorOf(lane: number, atMs: number): number | null {
    const dueMs = lastDueMs.get(lane);
    return dueMs === undefined ? null : atMs - dueMs + SLACK_MS;
  }

  return {
    async look(lanes, claim) {
      const beganMs = nowMs();
      const isFront = slowLooks < SLOW_LOOKS || beganMs >= nextFrontMs;
      const { jobs, tookMs } = await claim(lanes.map((lane) => (isFront ? null : floorOf(lane, beganMs))));
      const endedMs = nowMs();
      for (const { lane, waitedMs } of jobs) {
        lastDueMs.set(lane, Math.max(lastDueMs.get(lane) ?? Number.NEGATIVE_INFINITY, beganMs - waitedMs));
      }
      if (isFront) {
        const frontMs = tookMs ?? endedMs - beganMs;
        slowLooks = frontMs > SLOW_MS + jobs.length * SLOW_MS_A_JOB ? slowLooks + 1 : 0;
        nextFrontMs = endedMs + Math.max(FRONT_EVERY_MS, frontMs / FRONT_SHARE);
      }
      return jobs;
    },
  };
}
