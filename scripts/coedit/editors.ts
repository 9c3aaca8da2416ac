// The editors of a run: unmodified y-websocket clients that write at random, and what each of them was shown by a server.
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import type { Random } from "../chaos/random.ts";
import { createWitness, type Witness } from "./witness.ts";

export interface EditorOptions {
  readonly postId: string;
  readonly token: () => string;
  /** One of the servers, another one each time. */
  readonly port: () => number;
  readonly random: Random;
}

export interface Editor {
  readonly doc: Y.Doc;
  readonly witness: Witness;
  readonly edits: () => number;
  readonly connections: () => number;
  text(): string;
  isSynced(): boolean;
  /** Cuts the connection without a word. */
  cut(): void;
  /** Hangs up and writes on, until it comes back. */
  goAway(): void;
  comeBack(): void;
  /** Writes no more; what it has is still on its way. */
  rest(): void;
  close(): void;
}

type Cuttable = WebSocket & { terminate(): void };

const PAUSE_MS = 400;
/** About so long the text stays. */
const USUAL_LENGTH = 4_000;
/** A frozen server accepts and says nothing. */
const CONNECT_MS = 3_000;
const WORDS = ["stoa ", "agora ", "colonnade ", "😀 ", "a", "\n", "swan, "];

export function openEditor({ postId, token, port, random }: EditorOptions): Editor {
  const doc = new Y.Doc();
  const text = doc.getText("body");
  const witness = createWitness();
  let [edits, connections] = [0, 0];
  let socket: Cuttable | undefined;
  let timer: Timer | undefined;
  class Socket extends WebSocket {
    constructor(url: string) {
      super(url.replace(":0/", `:${port()}/`).replace("TOKEN", token()));
      connections++;
      // Bun's own WebSocket can be cut.
      const opened = this as unknown as Cuttable;
      socket = opened;
      this.addEventListener("message", ({ data }) => witness.see(new Uint8Array(data as ArrayBuffer)));
      setTimeout(() => {
        if (this.readyState === WebSocket.CONNECTING) opened.terminate();
      }, CONNECT_MS);
    }
  }
  const provider = new WebsocketProvider("ws://127.0.0.1:0/api/v1/coedit", postId, doc, {
    params: { access_token: "TOKEN" },
    // Bun's types of WebSocket are wider than the browser's.
    WebSocketPolyfill: Socket as unknown as typeof WebSocket,
    disableBc: true,
    maxBackoffTime: 1_000,
  });

  function write(): void {
    const { length } = text;
    const at = Math.floor(random.next() * (length + 1));
    const isInsert = length === 0 || random.next() * 2 * USUAL_LENGTH > length;
    if (isInsert) text.insert(at, random.pick(WORDS));
    else
      text.delete(
        Math.min(at, length - 1),
        Math.min(1 + Math.floor(random.next() * 12), length - Math.min(at, length - 1)),
      );
    edits++;
    provider.awareness.setLocalStateField("cursor", at);
    timer = setTimeout(write, random.between(0, 2 * PAUSE_MS));
  }
  timer = setTimeout(write, random.between(0, 2 * PAUSE_MS));

  return {
    doc,
    witness,
    edits: () => edits,
    connections: () => connections,
    text: () => text.toString(),
    isSynced: () => provider.synced,
    cut: () => socket?.terminate(),
    goAway: () => provider.disconnect(),
    comeBack: () => provider.connect(),
    rest: () => clearTimeout(timer),
    close() {
      clearTimeout(timer);
      provider.destroy();
    },
  };
}
