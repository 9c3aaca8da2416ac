// What a process remembers of one project's index: its segments' documents, its tail, what was deleted. Brought up to date by
// each query, with what that query's snapshot holds beyond it.
import { UNKNOWN } from "../language/languages.ts";
import { type Documents, decodeDocuments, placeOf } from "./documents.ts";
import type { Known, Snapshot, TailRow } from "./snapshot.ts";
import { Tail } from "./tail.ts";
import type { IndexedText, ReadText } from "./text.ts";

export interface SegmentView {
  readonly segment: number;
  readonly documents: Documents;
  /** One byte a place, 1 for a deleted document; undefined while there is none. */
  deleted: Uint8Array | undefined;
  /** How many these are, and the sum of their `scoredCounts`. */
  deletedCount: number;
  deletedScored: number;
}

const SEGMENT_DOCUMENT_BYTES = 32;
const DELETED_BYTES = 48;
/** Below it, looking for what can be forgotten costs more than it frees. */
const MIN_FORGET = 1024;

export interface CountedRow {
  readonly row: TailRow;
  readonly text: IndexedText;
}

export class ProjectMemory {
  tail = new Tail(0);
  #segments = new Map<number, SegmentView>();
  #deleted = new Set<number>();
  #tombstoneSeq = 0;
  #forgetAt = MIN_FORGET;

  known(postings: readonly number[]): Known {
    return {
      segments: [...this.#segments.keys()],
      postings,
      tombstoneSeq: this.#tombstoneSeq,
      tailNext: this.tail.next,
    };
  }

  segmentNumbers(): Iterable<number> {
    return this.#segments.keys();
  }

  /**
   * Takes in what a snapshot has brought. Returns its segments, or undefined when the memory has gone on meanwhile, by a query
   * that was asked later and answered sooner, so that the two no longer fit together: ask again.
   */
  update(snapshot: Snapshot, asked: Known, readText: ReadText): readonly SegmentView[] | undefined {
    for (const doc of snapshot.tombstones) this.#delete(doc);
    this.#tombstoneSeq = Math.max(this.#tombstoneSeq, snapshot.tombstoneSeq);
    const segments = this.#takeSegments(snapshot);
    const hasTail = this.#takeTail(snapshot, asked, readText);
    return segments && hasTail ? segments : undefined;
  }

  /** What the process has itself just noted as analysed; ignored when there is a gap before it. */
  remember(taken: readonly CountedRow[]): void {
    if (taken[0]?.row.doc !== this.tail.next) return;
    for (const { row, text } of taken) this.#addToTail(row, text);
  }

  /** The whole tail of an index that the caller holds locked; `read` gives the rows from a number on. */
  async completeTail(
    head: { readonly foldedDoc: number; readonly nextDoc: number },
    read: (fromDoc: number) => Promise<readonly TailRow[]>,
    readText: ReadText,
  ): Promise<Tail> {
    if (this.tail.first !== head.foldedDoc) this.tail = new Tail(head.foldedDoc);
    const { tail } = this;
    for (const row of await read(tail.next)) {
      if (row.doc >= tail.next) addRow(tail, row, readText(row.content));
    }
    tail.next = Math.max(tail.next, head.nextDoc);
    return tail;
  }

  /** After a fold: what was the tail is in a segment. */
  startTail(foldedDoc: number): void {
    if (this.tail.first < foldedDoc) this.tail = new Tail(foldedDoc);
  }

  get bytes(): number {
    let documents = 0;
    for (const view of this.#segments.values()) documents += view.documents.docs.length;
    return documents * SEGMENT_DOCUMENT_BYTES + this.#deleted.size * DELETED_BYTES + this.tail.bytes;
  }

  #takeSegments(snapshot: Snapshot): SegmentView[] | undefined {
    const views: SegmentView[] = [];
    const live = new Map<number, SegmentView>();
    for (const { segment, documentData } of snapshot.segments) {
      const view =
        this.#segments.get(segment) ?? (documentData ? this.#open(segment, documentData) : undefined);
      if (!view) return undefined;
      views.push(view);
      live.set(segment, view);
    }
    this.#segments = live;
    this.#forgetDeleted();
    return views;
  }

  #open(segment: number, documentData: Uint8Array): SegmentView {
    const view: SegmentView = {
      segment,
      documents: decodeDocuments(documentData),
      deleted: undefined,
      deletedCount: 0,
      deletedScored: 0,
    };
    for (const doc of this.#deleted) markDeleted(view, doc);
    return view;
  }

  #delete(doc: number): void {
    if (this.#deleted.has(doc)) return;
    this.#deleted.add(doc);
    for (const view of this.#segments.values()) if (markDeleted(view, doc)) return;
    this.tail.delete(doc);
  }

  /** Deleted documents that a merge has left out need no longer be remembered. */
  #forgetDeleted(): void {
    if (this.#deleted.size < this.#forgetAt) return;
    const views = [...this.#segments.values()];
    for (const doc of this.#deleted) {
      const isThere = doc >= this.tail.first || views.some(({ documents }) => placeOf(documents, doc) !== -1);
      if (!isThere) this.#deleted.delete(doc);
    }
    this.#forgetAt = Math.max(MIN_FORGET, this.#deleted.size * 2);
  }

  #takeTail(snapshot: Snapshot, asked: Known, readText: ReadText): boolean {
    // A fold takes the whole tail that there is: what is remembered of it has gone into a segment.
    if (this.tail.first < snapshot.foldedDoc) this.tail = new Tail(snapshot.foldedDoc);
    if (this.tail.first > snapshot.foldedDoc) return false;
    const readFrom = Math.max(snapshot.foldedDoc, asked.tailNext);
    if (this.tail.next < Math.min(readFrom, snapshot.nextDoc)) return false;
    for (const row of snapshot.tail) {
      if (row.doc >= this.tail.next) this.#addToTail(row, readText(row.content));
    }
    this.tail.next = Math.max(this.tail.next, snapshot.nextDoc);
    return true;
  }

  #addToTail(row: TailRow, text: IndexedText): void {
    addRow(this.tail, row, text);
    if (this.#deleted.has(row.doc)) this.tail.delete(row.doc);
  }
}

function addRow(tail: Tail, row: TailRow, text: IndexedText): void {
  const { doc, id, authorId, postId, source, lang } = row;
  tail.add({ doc, id, authorId, postId, source, lang: lang ?? UNKNOWN }, text);
}

function markDeleted(view: SegmentView, doc: number): boolean {
  const place = placeOf(view.documents, doc);
  if (place === -1) return false;
  view.deleted ??= new Uint8Array(view.documents.docs.length);
  if (view.deleted[place] === 1) return true;
  view.deleted[place] = 1;
  view.deletedCount++;
  view.deletedScored += view.documents.scoredCounts[place] ?? 0;
  return true;
}
