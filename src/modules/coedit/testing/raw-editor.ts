// A raw editor for tests: speaks the protocol byte by byte, so that it can say what no honest client would.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { until } from "../../../testing/until.ts";

export interface RawEditor {
  readonly doc: Y.Doc;
  readonly socket: WebSocket;
  /** Messages by their kind: 0 sync, 1 awareness, 2 auth; what follows the kind. */
  readonly heard: { readonly kind: number; readonly type: number; readonly bytes: Uint8Array }[];
  /** Of the auth messages, as JSON or text. */
  readonly told: string[];
  /** How often the server has asked for what it misses. */
  readonly asked: number;
  /** Updates that it has sent, answers among them, and how many of them are stored. */
  readonly sent: number;
  readonly stored: number;
  send(message: Uint8Array): void;
  /** As an update. */
  sendUpdate(update: Uint8Array): void;
  /** Puts text at the end of the body and sends the update; gives it. */
  type(text: string): Uint8Array;
  sendAwareness(entries: readonly (readonly [id: number, clock: number, state: unknown])[]): void;
  /** Entries as this connection has heard them last. */
  readonly present: ReadonlyMap<number, unknown>;
  closed(withinMs?: number): Promise<{ code: number; reason: string }>;
  close(): void;
}

export interface RawOptions {
  /** How often it answers when the server asks for what it misses; default always. */
  readonly answers?: number;
}

/** Connected, and with the text of the server. */
export async function openRawEditor(
  port: number,
  postId: string,
  token: string,
  query = "",
  { answers = Number.POSITIVE_INFINITY }: RawOptions = {},
): Promise<RawEditor> {
  const doc = new Y.Doc();
  const heard: RawEditor["heard"] = [];
  const told: string[] = [];
  const present = new Map<number, unknown>();
  let [asked, sent, stored, isSynced] = [0, 0, 0, false];
  let end: { code: number; reason: string } | undefined;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/coedit/${postId}${query}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  socket.binaryType = "arraybuffer";
  const send = (message: Uint8Array) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(message);
  };
  const sync = (type: number, bytes: Uint8Array) => {
    if (type > 0) sent++;
    send(
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, 0);
        encoding.writeVarUint(encoder, type);
        encoding.writeVarUint8Array(encoder, bytes);
      }),
    );
  };
  socket.onclose = ({ code, reason }) => {
    end = { code, reason };
  };
  socket.onopen = () => sync(0, Y.encodeStateVector(doc));
  socket.onmessage = ({ data }) => {
    const decoder = decoding.createDecoder(new Uint8Array(data as ArrayBuffer));
    const kind = decoding.readVarUint(decoder);
    if (kind === 1) return hearAwareness(decoding.readVarUint8Array(decoder));
    const type = decoding.readVarUint(decoder);
    if (kind === 2) {
      if (type === 2) stored = decoding.readVarUint(decoder);
      else told.push(decoding.readVarString(decoder));
      return;
    }
    const bytes = decoding.readVarUint8Array(decoder);
    heard.push({ kind, type, bytes });
    if (type > 0) Y.applyUpdate(doc, bytes, "server");
    if (type === 1) isSynced = true;
    if (type === 0) {
      asked++;
      if (asked <= answers) sync(1, Y.encodeStateAsUpdate(doc, bytes));
    }
  };
  function hearAwareness(bytes: Uint8Array) {
    const decoder = decoding.createDecoder(bytes);
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      const id = decoding.readVarUint(decoder);
      decoding.readVarUint(decoder);
      const state: unknown = JSON.parse(decoding.readVarString(decoder));
      if (state === null) present.delete(id);
      else present.set(id, state);
    }
  }
  const editor: RawEditor = {
    doc,
    socket,
    heard,
    told,
    present,
    get asked() {
      return asked;
    },
    get sent() {
      return sent;
    },
    get stored() {
      return stored;
    },
    send,
    sendUpdate: (update) => sync(2, update),
    type(text) {
      let made = new Uint8Array();
      const hear = (update: Uint8Array) => {
        made = new Uint8Array(update);
      };
      doc.on("update", hear);
      doc.getText("body").insert(doc.getText("body").length, text);
      doc.off("update", hear);
      sync(2, made);
      return made;
    },
    sendAwareness(entries) {
      const update = encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, entries.length);
        for (const [id, clock, state] of entries) {
          encoding.writeVarUint(encoder, id);
          encoding.writeVarUint(encoder, clock);
          encoding.writeVarString(encoder, JSON.stringify(state));
        }
      });
      send(
        encoding.encode((encoder) => {
          encoding.writeVarUint(encoder, 1);
          encoding.writeVarUint8Array(encoder, update);
        }),
      );
    },
    closed: (withinMs) => until("the close", () => end, { withinMs }),
    close: () => socket.close(1000),
  };
  await until("the first answer, or the end", () => isSynced || end);
  return editor;
}
