// Co-editing: binds a post of the server to a Y.Doc, comes back by itself, and says what is saved. Needs yjs and y-protocols.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from "y-protocols/awareness";
import { readSyncMessage, writeSyncStep1, writeUpdate } from "y-protocols/sync";
import type { Doc, Text } from "yjs";
import { createBackoff } from "./backoff.ts";
import { type BinarySocketConstructor, type CoeditLink, MESSAGE, openCoeditLink } from "./coedit-link.ts";
import type { LiveState, Proof } from "./options.ts";
import type { LiveError } from "./protocol.ts";

export interface CoeditStatus {
  readonly connection: LiveState;
  /** The server's text is here; false again while the connection is away. */
  readonly isSynced: boolean;
  /** Whether what is written is taken; `code` says why not: VIEWER, PROJECT_ARCHIVED or NOT_STORED, which passes. */
  readonly canWrite: boolean;
  readonly code: string | undefined;
  /** All that was written here is stored. What was written offline, or while it was refused, is not. */
  readonly isSaved: boolean;
}

export interface CoeditOptions {
  /** The server, such as https://stoa.example.org. */
  readonly url: string;
  readonly postId: string;
  /** May hold what was written before, such as by y-indexeddb: it is merged. */
  readonly doc: Doc;
  /** As of the live feed: gives an access token for each connection … */
  readonly token?: Proof;
  /** … or a ticket of POST /live/tickets in its place. */
  readonly ticket?: Proof;
  /** Who is here and where; default a new one of the document. */
  readonly awareness?: Awareness;
  readonly WebSocket?: BinarySocketConstructor;
  readonly onStatus?: (status: CoeditStatus) => void;
  /** It is over: no such post, no access, too large, or a token that is refused twice. */
  readonly onEnd?: (error: LiveError) => void;
  /** The longest wait before an attempt, at first and at most. Default 500 ms and 20 s. */
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
}

export interface Coedit {
  /** The post's body. */
  readonly text: Text;
  readonly awareness: Awareness;
  readonly status: CoeditStatus;
  /** Resolves when all that was written by now is stored; waits as long as that takes. */
  saved(): Promise<void>;
  close(): void;
}

const BODY = "body";
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 20_000;
const UNAUTHENTICATED = 4401;
const CODES: Readonly<Record<number, string>> = {
  4400: "INVALID_FRAME",
  4401: "UNAUTHENTICATED",
  4403: "ACCESS_WITHDRAWN",
  4404: "POST_NOT_FOUND",
  4413: "TOO_LARGE",
  4429: "TOO_FAST",
};

export function openCoedit(options: CoeditOptions): Coedit {
  const { doc, awareness = new Awareness(doc) } = options;
  const backoff = createBackoff(options.firstDelayMs ?? FIRST_DELAY_MS, options.maxDelayMs ?? MAX_DELAY_MS);
  let status: CoeditStatus = {
    connection: "waiting",
    isSynced: false,
    canWrite: true,
    code: undefined,
    isSaved: true,
  };
  let link: CoeditLink | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let refusals = 0;
  /** Updates of this connection, how many of them are stored, and whether the server has asked for what it missed. */
  let sent = 0;
  let stored = 0;
  let isAnswered = false;
  let waiting: (() => void)[] = [];

  function become(change: Partial<CoeditStatus>): void {
    const next = { ...status, ...change };
    const isNews = Object.entries(next).some(([key, value]) => status[key as keyof CoeditStatus] !== value);
    status = next;
    if (!isNews) return;
    options.onStatus?.(status);
    if (!status.isSaved) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  function connect(): void {
    clearTimeout(timer);
    timer = undefined;
    if (status.connection === "closed") return;
    become({ connection: "connecting" });
    [sent, stored, isAnswered] = [0, 0, false];
    link = openCoeditLink(options, { opened, heard, closed });
  }

  function opened(): void {
    send(MESSAGE.sync, (encoder) => writeSyncStep1(encoder, doc));
    if (awareness.getLocalState() !== null) tellAwareness([doc.clientID]);
  }

  function send(kind: number, write: (encoder: encoding.Encoder) => void): void {
    link?.send(
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, kind);
        write(encoder);
      }),
    );
  }

  function heard(message: Uint8Array): void {
    const decoder = decoding.createDecoder(message);
    const kind = decoding.readVarUint(decoder);
    if (kind === MESSAGE.sync) hearSync(decoder);
    else if (kind === MESSAGE.awareness) {
      applyAwarenessUpdate(awareness, decoding.readVarUint8Array(decoder), link);
    } else if (kind === MESSAGE.auth) hearAuth(decoder);
  }

  function hearSync(decoder: decoding.Decoder): void {
    const answer = encoding.createEncoder();
    encoding.writeVarUint(answer, MESSAGE.sync);
    const type = readSyncMessage(decoder, answer, doc, link);
    refusals = 0;
    backoff.clear();
    if (type === 0) {
      // The server has asked: from its answer on it has all that is here.
      sent++;
      isAnswered = true;
      link?.send(encoding.toUint8Array(answer));
    }
    become({ connection: "open", isSynced: status.isSynced || type === 1 });
  }

  function hearAuth(decoder: decoding.Decoder): void {
    const type = decoding.readVarUint(decoder);
    if (type === 2) {
      stored = decoding.readVarUint(decoder);
      if (isAnswered && stored >= sent) become({ isSaved: true });
    } else if (type === 1) {
      // As the server's description has it.
      const told = JSON.parse(decoding.readVarString(decoder)) as { can_write: boolean; code?: string };
      become({ canWrite: told.can_write, code: told.code });
    }
  }

  function tellAwareness(clients: number[]): void {
    send(MESSAGE.awareness, (encoder) =>
      encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(awareness, clients)),
    );
  }

  function onUpdate(update: Uint8Array, origin: unknown): void {
    if (link !== undefined && origin === link) return;
    become({ isSaved: false });
    if (!link?.isOpen()) return;
    sent++;
    send(MESSAGE.sync, (encoder) => writeUpdate(encoder, update));
  }

  function onAwareness(
    { added, updated, removed }: { added: number[]; updated: number[]; removed: number[] },
    origin: unknown,
  ): void {
    if (origin === link || !link?.isOpen()) return;
    if ([...added, ...updated, ...removed].includes(doc.clientID)) tellAwareness([doc.clientID]);
  }

  function closed(code: number, reason: string) {
    const ended = link;
    link = undefined;
    const others = [...awareness.getStates().keys()].filter((client) => client !== doc.clientID);
    removeAwarenessStates(awareness, others, ended);
    if (status.connection === "closed") return;
    // A token that had just ended is asked for once more.
    const isFinal = code in CODES && (code !== UNAUTHENTICATED || ++refusals > 1);
    become({ connection: isFinal ? "closed" : "waiting", isSynced: false });
    if (isFinal) {
      end();
      return options.onEnd?.({ code: CODES[code] ?? "INTERNAL", detail: reason });
    }
    timer = setTimeout(connect, backoff.next());
  }

  /** A network that is back is tried at once. */
  function online(): void {
    if (status.connection === "waiting") connect();
  }

  function end(): void {
    clearTimeout(timer);
    page.removeEventListener?.("online", online);
    doc.off("update", onUpdate);
    awareness.off("update", onAwareness);
  }

  const page = globalThis as { addEventListener?: (type: string, hear: () => void) => void } & {
    removeEventListener?: (type: string, hear: () => void) => void;
  };
  page.addEventListener?.("online", online);
  doc.on("update", onUpdate);
  awareness.on("update", onAwareness);
  connect();

  return {
    text: doc.getText(BODY),
    awareness,
    get status() {
      return status;
    },
    saved: () => (status.isSaved ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    close() {
      if (status.connection === "closed") return;
      removeAwarenessStates(awareness, [doc.clientID], "closed");
      become({ connection: "closed", isSynced: false });
      end();
      link?.close();
    },
  };
}
