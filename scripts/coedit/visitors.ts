// Visitors of a run: each writes one line into a post of its own, sees it confirmed, and never comes back to say it again.
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import type { Random } from "../chaos/random.ts";
import { createWitness, type Witness } from "./witness.ts";

export interface Visit {
  readonly postId: string;
  readonly witness: Witness;
}

export interface Visitors {
  readonly visits: readonly Visit[];
  stop(): Promise<void>;
}

export interface VisitorOptions {
  readonly createPost: () => Promise<string>;
  readonly token: () => string;
  readonly port: () => number;
  readonly random: Random;
}

const PATIENCE_MS = 5_000;
const PAUSE_MS = 300;

export function receiveVisitors({ createPost, token, port, random }: VisitorOptions): Visitors {
  const visits: Visit[] = [];
  let isOver = false;

  async function visit(): Promise<void> {
    const postId = await createPost();
    const witness = createWitness();
    const doc = new Y.Doc();
    class Socket extends WebSocket {
      constructor(url: string) {
        super(url);
        this.addEventListener("message", ({ data }) => witness.see(new Uint8Array(data as ArrayBuffer)));
      }
    }
    const provider = new WebsocketProvider(`ws://127.0.0.1:${port()}/api/v1/coedit`, postId, doc, {
      params: { access_token: token() },
      // Bun's types of WebSocket are wider than the browser's.
      WebSocketPolyfill: Socket as unknown as typeof WebSocket,
      disableBc: true,
    });
    doc.getText("body").insert(0, "I was here.");
    const isConfirmed = () => (witness.clocks.get(doc.clientID) ?? 0) > 0;
    const startedMs = performance.now();
    while (!isConfirmed() && performance.now() - startedMs < PATIENCE_MS) await Bun.sleep(2);
    visits.push({ postId, witness });
    provider.destroy();
  }

  async function run(): Promise<void> {
    while (!isOver) {
      // A server that is away is away for visitors, too.
      await visit().catch(() => {});
      await Bun.sleep(random.between(0, 2 * PAUSE_MS));
    }
  }

  const running = run();
  return {
    visits,
    async stop() {
      isOver = true;
      await running;
    },
  };
}
