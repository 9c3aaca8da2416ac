// In how many paragraphs a word occurs, day by day, from its postings.
import { createdMsOf } from "../model.ts";
import type { Postings } from "./postings.ts";
import type { SegmentView } from "./project-memory.ts";
import type { Tail } from "./tail.ts";

export interface WordDay {
  /** UTC, 2026-11-21. */
  readonly day: string;
  /** Handed in on this day and still there. */
  readonly documents: number;
  readonly occurrences: number;
}

export interface DaysView {
  readonly segments: readonly SegmentView[];
  /** By the number of the segment; until the next are asked for. */
  postingsOf(segment: number): Postings;
  readonly tail: Tail;
  /** Documents of the tail from here on came after the snapshot. */
  readonly nextDoc: number;
}

const DAY_MS = 86_400_000;

/** Oldest first; days without any are left out. */
export function countDays({ segments, postingsOf, tail, nextDoc }: DaysView, key: string): WordDay[] {
  const days = new Map<number, { documents: number; occurrences: number }>();
  const add = (createdMs: number, count: number) => {
    const day = Math.floor(createdMs / DAY_MS);
    const known = days.get(day);
    if (!known) days.set(day, { documents: 1, occurrences: count });
    else {
      known.documents++;
      known.occurrences += count;
    }
  };
  for (const { segment, documents, deleted } of segments) {
    const { places, counts } = postingsOf(segment);
    for (let index = 0; index < places.length; index++) {
      const place = places[index] ?? 0;
      if (deleted?.[place] !== 1) add(documents.createdMs[place] ?? 0, counts[index] ?? 0);
    }
  }
  const list = tail.term(key).flat;
  for (let index = 0; index < list.length; index += 2) {
    const place = list[index] ?? 0;
    const document = tail.documents[place];
    if (!document || document.doc >= nextDoc || tail.deleted.has(place)) continue;
    add(createdMsOf(document.id), list[index + 1] ?? 0);
  }
  return [...days]
    .sort(([a], [b]) => a - b)
    .map(([day, counts]) => ({ day: new Date(day * DAY_MS).toISOString().slice(0, 10), ...counts }));
}
