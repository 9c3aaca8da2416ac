// Questions to the index, answered from a snapshot and from what the process remembers.
import type { Sql } from "../../../kernel/db/index.ts";
import { findWords } from "./blocks.ts";
import { type BoundedMemory, createBoundedMemory } from "./bounded-memory.ts";
import { countDays, type WordDay } from "./days.ts";
import { toKey } from "./key.ts";
import { decodePostings, type Postings } from "./postings.ts";
import { ProjectMemory, type SegmentView } from "./project-memory.ts";
import { readSnapshot, type Snapshot } from "./snapshot.ts";
import type { Tail } from "./tail.ts";
import type { ReadText } from "./text.ts";
import { Best, offerSegment, offerTail, type TopDocument, type Totals } from "./top.ts";

/** Bytes of decoded postings that a process keeps: those of some 25 words that occur in each of 150,000 paragraphs. */
const POSTINGS_BYTES = 32 * 1024 * 1024;
/** After that many tries with the shared memory the query works with one of its own, which nobody changes meanwhile. */
const SHARED_TRIES = 3;
const POSTING_BYTES = 8;
/** Besides the postings. */
const ENTRY_BYTES = 300;
const NO_POSTINGS: Postings = { places: new Uint32Array(), counts: new Uint32Array() };

export interface TopQuery {
  readonly projectId: string;
  /** As the tokenizer gives it. */
  readonly word: string;
  readonly limit: number;
  readonly authorId?: string | undefined;
}

export interface Top extends Totals {
  readonly items: readonly TopDocument[];
}

export interface Queries {
  top(sql: Sql, query: TopQuery): Promise<Top>;
  days(sql: Sql, projectId: string, word: string): Promise<WordDay[]>;
  /** For those who write the index in this process. */
  withMemory<T>(projectId: string, run: (memory: ProjectMemory) => T): T;
  forget(projectId: string): void;
}

interface View {
  readonly snapshot: Snapshot;
  /** As it was at this moment or with more at its end; the memory may have another by the time we look. */
  readonly tail: Tail;
  readonly segments: readonly SegmentView[];
  readonly postings: ReadonlyMap<number, Postings>;
}

export function createQueries(projects: BoundedMemory<ProjectMemory>, readText: ReadText): Queries {
  const postingsMemory = createBoundedMemory<Postings>(POSTINGS_BYTES);

  function memoryOf(projectId: string): ProjectMemory {
    const known = projects.get(projectId);
    if (known) return known;
    const fresh = new ProjectMemory();
    projects.set(projectId, fresh, fresh.bytes);
    return fresh;
  }

  async function look(sql: Sql, projectId: string, word: string): Promise<View | undefined> {
    const key = toKey(word);
    for (let tries = 1; ; tries++) {
      const isShared = tries <= SHARED_TRIES;
      const memory = isShared ? memoryOf(projectId) : new ProjectMemory();
      const remembered = recall(postingsMemory, projectId, key, memory);
      const known = memory.known([...remembered.keys()]);
      const snapshot = await readSnapshot(sql, projectId, key, known);
      if (!snapshot) return undefined;
      const segments = memory.update(snapshot, known, readText);
      if (isShared) projects.set(projectId, memory, memory.bytes);
      if (!segments) continue;
      const word = Buffer.from(key);
      for (const { segment, data } of snapshot.blocks) {
        // Also that it is not there.
        let postings = NO_POSTINGS;
        findWords({ data, positions: null }, [word], (_, entry) => {
          postings = decodePostings(entry.postings, entry.documents);
        });
        remembered.set(segment, postings);
        const bytes = ENTRY_BYTES + postings.places.length * POSTING_BYTES;
        postingsMemory.set(postingsKey(projectId, segment, key), postings, bytes);
      }
      return { snapshot, tail: memory.tail, segments, postings: remembered };
    }
  }

  return {
    withMemory(projectId, run) {
      const memory = memoryOf(projectId);
      const result = run(memory);
      projects.set(projectId, memory, memory.bytes);
      return result;
    },
    forget: (projectId) => projects.delete(projectId),
    async top(sql, { projectId, word, limit, authorId }) {
      const view = await look(sql, projectId, word);
      if (!view) return { items: [], documents: 0, occurrences: 0 };
      const best = new Best(limit);
      const ofAuthor = { documents: 0, occurrences: 0 };
      const author = authorId === undefined ? undefined : { id: authorId, totals: ofAuthor };
      for (const segment of view.segments) {
        const postings = view.postings.get(segment.segment);
        if (postings) offerSegment(best, segment, postings, author);
      }
      const folded = author ? ofAuthor : view.snapshot.totals;
      const tail = offerTail(best, view.tail, toKey(word), view.snapshot.nextDoc, authorId);
      return {
        items: best.list(),
        documents: folded.documents + tail.documents,
        occurrences: folded.occurrences + tail.occurrences,
      };
    },
    async days(sql, projectId, word) {
      const view = await look(sql, projectId, word);
      return view ? countDays({ ...view, nextDoc: view.snapshot.nextDoc }, toKey(word)) : [];
    },
  };
}

function recall(
  memory: BoundedMemory<Postings>,
  projectId: string,
  key: string,
  project: ProjectMemory,
): Map<number, Postings> {
  const found = new Map<number, Postings>();
  for (const segment of project.segmentNumbers()) {
    const postings = memory.get(postingsKey(projectId, segment, key));
    if (postings) found.set(segment, postings);
  }
  return found;
}

function postingsKey(projectId: string, segment: number, key: string): string {
  return `${projectId} ${segment} ${key}`;
}
