// Looking into the index for a search: one moment of a project's documents, and the postings of the terms that are asked for.
import type { Sql } from "../../../kernel/db/index.ts";
import type { Languages } from "../language/languages.ts";
import { type BoundedMemory, createBoundedMemory } from "./bounded-memory.ts";
import { sortKeys, toKey } from "./key.ts";
import { PendingTexts } from "./pending-texts.ts";
import { ProjectMemory, type SegmentView } from "./project-memory.ts";
import { type Shelf, segmentShelf, tailShelf } from "./shelf.ts";
import type { Tail } from "./tail.ts";
import { findTerms, type MissingTerm, readBlocks } from "./term-blocks.ts";
import type { SegmentTerm, TermMemory } from "./term-memory.ts";
import type { ReadText } from "./text.ts";
import { readView } from "./view-statement.ts";

/** After that many tries with the shared memory a search works with one of its own, which nobody changes meanwhile. */
const SHARED_TRIES = 3;
const MAX_TRIES = 20;
const PENDING_PROJECTS_BYTES = 8 * 1024 * 1024;
const PENDING_BYTES = 40_000;
const ALL = Number.MAX_SAFE_INTEGER;

export interface IndexView {
  /** In the order of their documents, what waits to be analysed last. */
  readonly shelves: readonly Shelf[];
  /** Languages of the documents. */
  readonly langs: ReadonlySet<string>;
  /** The words of the documents that are in no segment. */
  readonly looseTails: readonly LooseTail[];
}

export interface LooseTail {
  readonly tail: Tail;
  /** Its documents of this moment; more may have come since. */
  readonly size: number;
}

/** What a search asks for, as the tokenizer gives it; with positions those that stand in phrases. */
export interface WantedTerms {
  readonly terms: Iterable<string>;
  readonly phraseTerms: Iterable<string>;
}

export interface Views {
  /**
   * `choose` is told what there is before any postings are read, and says which terms the search needs: so a word can become
   * many. All of the answer is of one moment.
   */
  open(sql: Sql, projectId: string, choose: (view: IndexView) => Promise<WantedTerms>): Promise<IndexView>;
  forget(projectId: string): void;
}

export interface ViewDeps {
  readonly projects: BoundedMemory<ProjectMemory>;
  readonly terms: TermMemory;
  readonly readText: ReadText;
  readonly languages: Pick<Languages, "recognise">;
}

export function createViews({ projects, terms, readText, languages }: ViewDeps): Views {
  const pendings = createBoundedMemory<PendingTexts>(PENDING_PROJECTS_BYTES);

  async function open(
    sql: Sql,
    projectId: string,
    choose: (view: IndexView) => Promise<WantedTerms>,
  ): Promise<IndexView> {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const isShared = tries <= SHARED_TRIES;
      const memory = (isShared && projects.get(projectId)) || new ProjectMemory();
      const pending = (isShared && pendings.get(projectId)) || new PendingTexts();
      const { postings: _, ...known } = memory.known([]);
      const snapshot = await readView(sql, projectId, known, pending.knownIds());
      // First, since it may take a moment: from here on nothing changes until the shelves are made.
      const waiting = await pending.read(snapshot.pending, readText, languages);
      const segments = memory.update(
        { ...snapshot, totals: NO_TOTALS, blocks: [] },
        { ...known, postings: [] },
        readText,
      );
      if (isShared) {
        projects.set(projectId, memory, memory.bytes);
        pendings.set(projectId, pending, PENDING_BYTES);
      }
      if (!segments || !waiting) continue;
      const { tail } = memory;
      const newest = tailShelf(tail, snapshot.nextDoc, true);
      const unread = tailShelf(waiting, ALL, false);
      const loose = [newest, unread].filter((shelf) => shelf !== undefined);
      const found: FoundTerms = new Map();
      const findTerm =
        ({ segment }: SegmentView) =>
        (key: string) =>
          found.get(toKey(key))?.get(segment);
      const shelves = [...segments.map((segment) => segmentShelf(segment, findTerm(segment))), ...loose];
      const view = {
        shelves,
        langs: langsOf(shelves),
        looseTails: [looseOf(tail, newest), looseOf(waiting, unread)],
      };
      const wanted = await choose(view);
      if (await fetchTerms(sql, projectId, { segments, wanted, found })) return view;
    }
    throw new Error("the index changed faster than it could be read");
  }

  /** Brings what is not remembered; false when a segment is there no longer. */
  async function fetchTerms(
    sql: Sql,
    projectId: string,
    looking: { segments: readonly SegmentView[]; wanted: WantedTerms; found: FoundTerms },
  ): Promise<boolean> {
    const { segments, wanted, found } = looking;
    const missing = new Map<number, MissingTerm[]>();
    const phraseKeys = new Set([...wanted.phraseTerms].map(toKey));
    const keys = sortKeys([...new Set([...[...wanted.terms].map(toKey), ...phraseKeys])]);
    const numbers = segments.map(({ segment }) => segment);
    for (const key of keys) {
      const known = terms.recall(projectId, key, numbers);
      found.set(key, known);
      const withPositions = phraseKeys.has(key);
      for (const segment of numbers) {
        const term = known.get(segment);
        if (term && !(withPositions && term.documents > 0 && term.positions === undefined)) continue;
        const list = missing.get(segment);
        if (list) list.push({ key, withPositions });
        else missing.set(segment, [{ key, withPositions }]);
      }
    }
    if (missing.size === 0) return true;
    const blocks = await readBlocks(sql, projectId, missing);
    if (!blocks) return false;
    const fresh = new Map<string, [number, SegmentTerm][]>();
    for (const [segment, list] of missing) {
      for (const [key, term] of findTerms(list, blocks.get(segment) ?? [])) {
        found.get(key)?.set(segment, term);
        const ofKey = fresh.get(key);
        if (ofKey) ofKey.push([segment, term]);
        else fresh.set(key, [[segment, term]]);
      }
    }
    for (const [key, list] of fresh) terms.remember(projectId, key, list);
    return true;
  }

  return {
    open,
    forget(projectId) {
      projects.delete(projectId);
      pendings.delete(projectId);
    },
  };
}

/** By key, then by segment. */
type FoundTerms = Map<string, Map<number, SegmentTerm>>;

function looseOf(tail: Tail, shelf: Shelf | undefined): LooseTail {
  return { tail, size: shelf?.documents.docs.length ?? 0 };
}

const NO_TOTALS = { documents: 0, occurrences: 0 };

function langsOf(shelves: readonly Shelf[]): ReadonlySet<string> {
  return new Set(shelves.flatMap(({ documents }) => documents.langs));
}
