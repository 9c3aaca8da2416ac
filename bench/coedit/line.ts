// A line to a document in either tongue: y-websocket's, which is ours, and Hocuspocus', which puts the document's name before it.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { Dialect } from "./plan.ts";

export interface Line {
  /** An update, made by Yjs. */
  send(update: Uint8Array): void;
  /** Says what one has; the answer is what one misses. */
  ask(vector: Uint8Array): void;
  close(): void;
}

export interface LineOptions {
  readonly dialect: Dialect;
  readonly port: number;
  readonly token: string;
  readonly document: string;
  onReady(): void;
  /** 0: what the server has; 1: what one misses; 2: an update. */
  onSync(type: number, bytes: Uint8Array): void;
  onEnd(): void;
}

const SYNC = 0;
const SYNC_REPLY = 4;
const AUTH = 2;

export function openLine(options: LineOptions): Line {
  const { dialect, port, token, document, onReady, onSync, onEnd } = options;
  const isOurs = dialect === "stoa";
  const socket = new WebSocket(
    isOurs ? `ws://127.0.0.1:${port}/api/v1/coedit/${document}` : `ws://127.0.0.1:${port}/`,
    { headers: { Authorization: `Bearer ${token}` } },
  );
  socket.binaryType = "arraybuffer";
  const say = (write: (encoder: encoding.Encoder) => void) =>
    socket.send(
      encoding.encode((encoder) => {
        if (!isOurs) encoding.writeVarString(encoder, document);
        write(encoder);
      }),
    );
  const sync = (type: number, bytes: Uint8Array) =>
    say((encoder) => {
      encoding.writeVarUint(encoder, SYNC);
      encoding.writeVarUint(encoder, type);
      encoding.writeVarUint8Array(encoder, bytes);
    });
  socket.onopen = () => {
    if (isOurs) return onReady();
    say((encoder) => {
      encoding.writeVarUint(encoder, AUTH);
      encoding.writeVarUint(encoder, 0);
      encoding.writeVarString(encoder, "anybody");
    });
    onReady();
  };
  socket.onmessage = ({ data }) => {
    const decoder = decoding.createDecoder(new Uint8Array(data as ArrayBuffer));
    if (!isOurs) decoding.readVarString(decoder);
    const kind = decoding.readVarUint(decoder);
    if (kind !== SYNC && kind !== SYNC_REPLY) return;
    const type = decoding.readVarUint(decoder);
    onSync(type, decoding.readVarUint8Array(decoder));
  };
  socket.onclose = () => onEnd();
  return {
    send: (update) => sync(2, update),
    ask: (vector) => sync(0, vector),
    close: () => socket.close(1000),
  };
}
