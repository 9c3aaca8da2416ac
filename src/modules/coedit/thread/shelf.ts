// The documents of a thread: Yjs behind a few questions. What is in them and not yet stored is known to whoever asks.
import * as Y from "yjs";
import { BODY, MAX_BODY_UNITS, MAX_UPDATE_BYTES } from "../model.ts";
import { changeText } from "./text-change.ts";

/** How a document is stored: a state, and the changes after it. */
export interface Stored {
  /** Of the second encoding; empty for none. */
  readonly state: Uint8Array;
  readonly changes: readonly Uint8Array[];
}

export interface Offered {
  readonly bytes: Uint8Array;
  /** The answer to our state vector: all that a client has and we have not. */
  readonly isAnswer: boolean;
}

/** `gaps`: parts of it build on what is not there; the rest was taken. */
export type Verdict = "taken" | "gaps" | "unreadable" | "update_too_large" | "document_too_large";

export interface Outcome {
  readonly verdicts: readonly Verdict[];
  /** What has changed by all of them, as one update; undefined when nothing has. */
  readonly change: Uint8Array | undefined;
  /** An update could not be applied, and the document is worth nothing any more: load it anew. */
  readonly isSpoilt: boolean;
}

/** Where changes come from decides nothing here; Yjs wants to know. */
const ORIGIN = "stored";
/** The client of a document's first content: whoever makes it makes the same. */
const SEED_CLIENT = 1;

export function createShelf() {
  const documents = new Map<string, Y.Doc>();

  function get(key: string): Y.Doc {
    const doc = documents.get(key);
    if (!doc) throw new Error("a document is not here");
    return doc;
  }

  return {
    /** Throws when it cannot be read. */
    load(key: string, stored: Stored): void {
      documents.set(key, read(stored));
    },

    drop(key: string): void {
      documents.get(key)?.destroy();
      documents.delete(key);
    },

    /** @param isFull only what adds nothing is taken, such as deletions. */
    edit(key: string, offered: readonly Offered[], isFull: boolean): Outcome {
      const doc = get(key);
      const changes: Uint8Array[] = [];
      const hear = (update: Uint8Array) => changes.push(update);
      doc.on("update", hear);
      const verdicts: Verdict[] = [];
      let isSpoilt = false;
      try {
        doc.transact(() => {
          let units = doc.getText(BODY).length;
          for (const each of offered) {
            const looked = look(doc, each, { units, isFull });
            units += looked.units;
            verdicts.push(looked.verdict === "taken" ? take(doc, each.bytes) : looked.verdict);
          }
        }, ORIGIN);
      } catch {
        isSpoilt = true;
      } finally {
        doc.off("update", hear);
      }
      return { verdicts, change: changes.length > 1 ? Y.mergeUpdates(changes) : changes[0], isSpoilt };
    },

    /** Changes that are stored already. */
    take(key: string, changes: readonly Uint8Array[]): void {
      applyAll(get(key), changes);
    },

    /** What who has this state vector misses. Throws when it is none. */
    diff: (key: string, vector: Uint8Array): Uint8Array => Y.encodeStateAsUpdate(get(key), vector),

    vector: (key: string): Uint8Array => Y.encodeStateVector(get(key)),

    text: (key: string): string => textOf(get(key)),

    /** On a copy: a change that makes it say `text` where it said `base`, and what it says then. */
    propose(key: string, text: string, base: string): { change: Uint8Array; text: string } {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(get(key)), ORIGIN);
      const before = Y.encodeStateVector(doc);
      let change: Uint8Array | undefined;
      doc.on("update", (update: Uint8Array) => {
        change = update;
      });
      doc.transact(() => changeText(doc.getText(BODY), text, base), ORIGIN);
      const proposed = { change: change ?? Y.encodeStateAsUpdate(new Y.Doc(), before), text: textOf(doc) };
      doc.destroy();
      return proposed;
    },

    /** Apart from the documents here: a stored one as one state, and what it says. */
    condense(stored: Stored): { state: Uint8Array; text: string } {
      const doc = read(stored);
      const condensed = { state: Y.encodeStateAsUpdateV2(doc), text: textOf(doc) };
      doc.destroy();
      return condensed;
    },

    seed(text: string): Uint8Array {
      const doc = new Y.Doc();
      doc.clientID = SEED_CLIENT;
      if (text !== "") doc.getText(BODY).insert(0, text);
      const state = Y.encodeStateAsUpdateV2(doc);
      doc.destroy();
      return state;
    },
  };
}

export type Shelf = ReturnType<typeof createShelf>;

function read({ state, changes }: Stored): Y.Doc {
  const doc = new Y.Doc();
  doc.transact(() => {
    if (state.length > 0) Y.applyUpdateV2(doc, state, ORIGIN);
    for (const change of changes) Y.applyUpdate(doc, change, ORIGIN);
  }, ORIGIN);
  // Stored changes build on each other without a gap: a document that lacks one must not be served as if it were whole.
  if (doc.store.pendingStructs || doc.store.pendingDs) throw new Error("a stored document has gaps");
  doc.getText(BODY);
  return doc;
}

function applyAll(doc: Y.Doc, changes: readonly Uint8Array[]): void {
  doc.transact(() => {
    for (const change of changes) Y.applyUpdate(doc, change, ORIGIN);
  }, ORIGIN);
  if (doc.store.pendingStructs || doc.store.pendingDs)
    throw new Error("a stored change builds on a missing one");
}

/** Before anything is changed: whether it can be read, and how much text it adds. */
function look(
  doc: Y.Doc,
  { bytes, isAnswer }: Offered,
  { units, isFull }: { readonly units: number; readonly isFull: boolean },
): { readonly verdict: Verdict; readonly units: number } {
  try {
    const { structs, added } = countAdded(doc, bytes);
    if (bytes.length > MAX_UPDATE_BYTES && !(isAnswer && isSmall(doc, bytes)))
      return { verdict: "update_too_large", units: 0 };
    const isTooLong = added > 0 && units + added > MAX_BODY_UNITS;
    if (isTooLong || (isFull && structs > 0)) return { verdict: "document_too_large", units: 0 };
    return { verdict: "taken", units: added };
  } catch {
    return { verdict: "unreadable", units: 0 };
  }
}

/** An answer repeats every deletion that there ever was; what counts is what is new in it. */
function isSmall(doc: Y.Doc, bytes: Uint8Array): boolean {
  const fresh = Y.diffUpdate(bytes, Y.encodeStateVector(doc));
  return fresh.length <= MAX_UPDATE_BYTES || Y.decodeUpdate(fresh).structs.length === 0;
}

/** What is new in it: parts, and units of text. */
function countAdded(doc: Y.Doc, bytes: Uint8Array): { readonly structs: number; readonly added: number } {
  let [structs, added] = [0, 0];
  for (const struct of Y.decodeUpdate(bytes).structs) {
    const known = Y.getState(doc.store, struct.id.client);
    if (struct.id.clock + struct.length <= known) continue;
    structs++;
    if (struct instanceof Y.Item && struct.content instanceof Y.ContentString) added += struct.length;
  }
  return { structs, added };
}

/** Within a transaction; throws when the document is spoilt. */
function take(doc: Y.Doc, bytes: Uint8Array): Verdict {
  Y.applyUpdate(doc, bytes, ORIGIN);
  const { store } = doc;
  if (!store.pendingStructs && !store.pendingDs) return "taken";
  // Yjs would keep it and say nothing, and nobody would see it: who has sent it is asked for what is missing instead.
  store.pendingStructs = null;
  store.pendingDs = null;
  return "gaps";
}

/** As it can be stored: PostgreSQL takes neither NUL nor half a character. */
function textOf(doc: Y.Doc): string {
  return doc.getText(BODY).toString().toWellFormed().replaceAll("\0", "\ufffd");
}
