// Which segments to merge next: a pure rule that keeps their number small and rewrites each document about three times in all.
import type { SegmentRow } from "./store.ts";

export interface SegmentSize extends SegmentRow {
  /** Of its documents. */
  readonly deleted: number;
}

/** The last segments are merged into one of at least so many documents, and several of those into one of the next size. */
export const TIERS: readonly number[] = [4_096, 32_768];
/** Or when there are that many of them: a query reads a row of each. */
const MAX_RUN = 8;
/** A segment is written anew when a quarter of it is deleted. */
const DELETED_SHARE = 1 / 4;

/** Adjacent segments to be made one, or one to be rid of what is deleted; undefined when all is well. */
export function planMerge(
  segments: readonly SegmentSize[],
  tiers = TIERS,
): readonly SegmentSize[] | undefined {
  for (const tier of tiers) {
    const large = segments.findLastIndex((segment) => segment.documents - segment.deleted >= tier);
    const run = segments.slice(large + 1);
    const documents = run.reduce((sum, segment) => sum + segment.documents - segment.deleted, 0);
    if (run.length >= 2 && (run.length >= MAX_RUN || documents >= tier)) return run;
  }
  const full = segments.find((segment) => segment.deleted >= segment.documents * DELETED_SHARE);
  return full && [full];
}
