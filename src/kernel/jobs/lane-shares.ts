// How the lanes share a worker's slots: by weight, so that the last one never starves.
import { PRIORITIES, type Priority } from "./job.ts";

/** Urgent goes before all others and has a slot of its own; it takes no part in the sharing. */
const LANE_WEIGHTS: Record<Priority, number> = { urgent: 0, high: 6, normal: 3, low: 1 };

/** Of the lane with this number, 0 to 3. */
export function weightOf(lane: number): number {
  return LANE_WEIGHTS[PRIORITIES[lane] ?? "normal"];
}

export interface LaneShares {
  /** How many of `slots` each of the lanes is to give at first, in their order. Counts on from call to call. */
  deal(slots: number): number[];
}

/** Smooth weighted round robin: with full lanes every tenth job is a low one, however few slots are free at a time. */
export function createLaneShares(lanes: readonly number[]): LaneShares {
  const credits = lanes.map(() => 0);
  const total = lanes.reduce((sum, lane) => sum + weightOf(lane), 0);
  return {
    deal(slots) {
      const quotas = lanes.map(() => 0);
      if (total === 0) return quotas;
      for (let dealt = 0; dealt < slots; dealt++) {
        let next = 0;
        for (const [place, lane] of lanes.entries()) {
          credits[place] = (credits[place] ?? 0) + weightOf(lane);
          if ((credits[place] ?? 0) > (credits[next] ?? 0)) next = place;
        }
        credits[next] = (credits[next] ?? 0) - total;
        quotas[next] = (quotas[next] ?? 0) + 1;
      }
      return quotas;
    },
  };
}
