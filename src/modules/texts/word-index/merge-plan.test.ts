import { expect, test } from "bun:test";
import { createChance } from "../../../testing/chance.ts";
import { planMerge, type SegmentSize } from "./merge-plan.ts";

const TIERS = [10, 100];

/** Segments one after the other, each `[documents, deleted]`. */
function segmentsOf(...sizes: readonly (readonly [number, number?])[]): SegmentSize[] {
  let doc = 0;
  return sizes.map(([documents, deleted = 0], index) => {
    const first = doc;
    doc += documents;
    return { segment: index + 1, first_doc: first, last_doc: doc - 1, documents, deleted };
  });
}
const plan = (...sizes: readonly (readonly [number, number?])[]) =>
  planMerge(segmentsOf(...sizes), TIERS)?.map(({ segment }) => segment);

test("[TXT-32] the last segments are merged when together they make the next size", () => {
  expect(plan()).toBeUndefined();
  expect(plan([3])).toBeUndefined();
  expect(plan([3], [3], [3])).toBeUndefined();
  expect(plan([3], [3], [4])).toEqual([1, 2, 3]);
  expect(plan([200], [20], [3], [8])).toEqual([3, 4]);
  expect(plan([200], [60], [40], [3])).toEqual([2, 3, 4]);
  expect(plan([200], [200], [200])).toBeUndefined();
});

test("[TXT-32] eight small segments are merged whatever their size", () => {
  expect(plan(...Array.from({ length: 7 }, () => [1] as const))).toBeUndefined();
  expect(plan(...Array.from({ length: 8 }, () => [1] as const))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test("[TXT-32] a segment with a quarter of it deleted is written anew", () => {
  expect(plan([200, 49], [20, 5])).toEqual([2]);
  expect(plan([200, 50])).toEqual([1]);
  expect(plan([4, 4])).toEqual([1]);
  expect(plan([200, 49])).toBeUndefined();
});

test("[TXT-32] whatever comes in, few segments stay and each document is rewritten a few times", () => {
  const chance = createChance("merge plan");
  let segments: SegmentSize[] = [];
  let documents = 0;
  let written = 0;
  let most = 0;
  while (documents < 20_000) {
    const size = 1 + chance.below(8);
    segments = segmentsOf(...segments.map((segment) => [segment.documents] as const), [size]);
    documents += size;
    for (let merge = planMerge(segments, TIERS); merge; merge = planMerge(segments, TIERS)) {
      const merged = merge.reduce((sum, segment) => sum + segment.documents, 0);
      const from = segments.indexOf(merge[0] as SegmentSize);
      segments.splice(from, merge.length, { ...(merge[0] as SegmentSize), documents: merged });
      segments = segmentsOf(...segments.map((segment) => [segment.documents] as const));
      written += merged;
    }
    most = Math.max(most, segments.length - documents / 100);
  }
  expect(most).toBeLessThan(16);
  expect(written / documents).toBeLessThan(4);
});
