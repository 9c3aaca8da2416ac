// Questions to the index, answered from a snapshot and from what the process remembers.
import type { Sql } from "../../../kernel/db/index.ts";
import { findWords } from "./blocks.ts";
import type { BoundedMemory } from "./bounded-memory.ts";
import { countDays, type WordDay } from "./days.ts";
import { toKey } from "./key.ts";
import { decodePostings, type Postings } from "./postings.ts";
import { ProjectMemory, type SegmentView } from "./project-memory.ts";
import { Room } from "./room.ts";
import { readSnapshot, type Snapshot } from "./snapshot.ts";
import type { Tail } from "./tail.ts";
import { alone } from "./term-blocks.ts";
import { NO_TERM, type SegmentTerm, type TermMemory } from "./term-memory.ts";
import type { ReadText } from "./text.ts";
import { Best, offerSegment, offerTail, type TopDocument, type Totals } from "./top.ts";

/** After that many tries with the shared memory the query works with one of its own, which nobody changes meanwhile. */
const SHARED_TRIES = 3;

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
  readonly terms: ReadonlyMap<number, SegmentTerm>;
}

export interface QueryDeps {
  readonly projects: BoundedMemory<ProjectMemory>;
  readonly terms: TermMemory;
  readonly readText: ReadText;
}

export function createQueries({ projects, terms, readText }: QueryDeps): Queries {
  // What is worked out between two steps that are awaited: all questions share it.
  const room = new Room();

  function unpack({ terms }: View, segment: number): Postings {
    room.clear();
    const { postings, documents } = terms.get(segment) ?? NO_TERM;
    return decodePostings(postings, documents, room);
  }

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
      const remembered = terms.recall(projectId, key, memory.segmentNumbers());
      const known = memory.known([...remembered.keys()]);
      const snapshot = await readSnapshot(sql, projectId, key, known);
      if (!snapshot) return undefined;
      const segments = memory.update(snapshot, known, readText);
      if (isShared) {
        projects.set(projectId, memory, memory.bytes);
      }
      if (!segments) continue;
      const word = Buffer.from(key);
      for (const { segment, data } of snapshot.blocks) {
        // Also that it is not there.
        let term: SegmentTerm = { ...NO_TERM, positions: undefined };
        findWords({ data, positions: null }, [word], (_, { documents, postings }) => {
          term = { documents, postings: alone(postings), positions: undefined };
        });
        remembered.set(segment, term);
        terms.remember(projectId, key, [[segment, term]]);
      }
      return { snapshot, tail: memory.tail, segments, terms: remembered };
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
        offerSegment(best, segment, unpack(view, segment.segment), author);
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
      return view
        ? countDays(
            { ...view, nextDoc: view.snapshot.nextDoc, postingsOf: (segment) => unpack(view, segment) },
            toKey(word),
          )
        : [];
    },
  };
}
