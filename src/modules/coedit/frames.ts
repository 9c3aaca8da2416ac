// The frames of y-websocket: y-protocols' sync, awareness and auth messages, in lib0's encoding.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { WriteState } from "./model.ts";

/** y-websocket's kinds of messages. */
const KIND = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3 } as const;
/** y-protocols' kinds of sync and auth messages; its own files of them would load Yjs here. */
const SYNC = { step1: 0, step2: 1, update: 2 } as const;
/** y-protocols has the first, and passes over those it does not know. */
const AUTH = { denied: 0, writeState: 1, stored: 2 } as const;
/** Of one client's message; a client tells of itself, and repeats what it hears of others. */
const MAX_ENTRIES = 10_000;

export interface AwarenessEntry {
  readonly clientId: number;
  readonly clock: number;
  /** JSON; "null" when it has gone. */
  readonly state: string;
}

export type Frame =
  | { readonly kind: "vector"; readonly vector: Uint8Array }
  | { readonly kind: "update"; readonly bytes: Uint8Array; readonly isAnswer: boolean }
  | { readonly kind: "awareness"; readonly entries: readonly AwarenessEntry[] }
  | { readonly kind: "query" };

/** Undefined for whatever is no such frame. */
export function readFrame(message: Uint8Array): Frame | undefined {
  try {
    const decoder = decoding.createDecoder(message);
    const kind = decoding.readVarUint(decoder);
    if (kind === KIND.sync) return readSync(decoder);
    if (kind === KIND.awareness)
      return { kind: "awareness", entries: readEntries(decoding.readVarUint8Array(decoder)) };
    return kind === KIND.queryAwareness ? { kind: "query" } : undefined;
  } catch {
    return undefined;
  }
}

function readSync(decoder: decoding.Decoder): Frame | undefined {
  const type = decoding.readVarUint(decoder);
  const bytes = decoding.readVarUint8Array(decoder);
  if (type === SYNC.step1) return { kind: "vector", vector: bytes };
  if (type === SYNC.step2 || type === SYNC.update) {
    return { kind: "update", bytes, isAnswer: type === SYNC.step2 };
  }
  return undefined;
}

function readEntries(bytes: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(bytes);
  const count = Math.min(decoding.readVarUint(decoder), MAX_ENTRIES);
  return Array.from({ length: count }, () => ({
    clientId: decoding.readVarUint(decoder),
    clock: decoding.readVarUint(decoder),
    state: decoding.readVarString(decoder),
  }));
}

/** All that we have: send us the rest. */
export function vectorFrame(vector: Uint8Array): Uint8Array {
  return syncFrame(SYNC.step1, vector);
}

export function answerFrame(update: Uint8Array): Uint8Array {
  return syncFrame(SYNC.step2, update);
}

export function changeFrame(update: Uint8Array): Uint8Array {
  return syncFrame(SYNC.update, update);
}

function syncFrame(type: number, bytes: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, KIND.sync);
    encoding.writeVarUint(encoder, type);
    encoding.writeVarUint8Array(encoder, bytes);
  });
}

export function awarenessFrame(entries: readonly AwarenessEntry[]): Uint8Array {
  const update = encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, entries.length);
    for (const { clientId, clock, state } of entries) {
      encoding.writeVarUint(encoder, clientId);
      encoding.writeVarUint(encoder, clock);
      encoding.writeVarString(encoder, state);
    }
  });
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, KIND.awareness);
    encoding.writeVarUint8Array(encoder, update);
  });
}

/** Plain clients show it to whoever looks into the console. */
export function deniedFrame(reason: string): Uint8Array {
  return authFrame(AUTH.denied, (encoder) => encoding.writeVarString(encoder, reason));
}

export function writeStateFrame(state: WriteState): Uint8Array {
  return authFrame(AUTH.writeState, (encoder) => encoding.writeVarString(encoder, JSON.stringify(state)));
}

/** So many updates of this connection are stored, counted as they were received. */
export function storedFrame(count: number): Uint8Array {
  return authFrame(AUTH.stored, (encoder) => encoding.writeVarUint(encoder, count));
}

function authFrame(type: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, KIND.auth);
    encoding.writeVarUint(encoder, type);
    write(encoder);
  });
}
