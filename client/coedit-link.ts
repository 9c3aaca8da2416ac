// One connection of co-editing: says who one is, passes frames on, and watches for servers that fall silent.
import type { CoeditOptions } from "./coedit.ts";

/** The part of the standard WebSocket that is used; `ws` has it, too. */
export interface BinarySocketLike {
  readonly readyState: number;
  binaryType: string;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

export type BinarySocketConstructor = new (url: string) => BinarySocketLike;

export interface CoeditLink {
  isOpen(): boolean;
  send(message: Uint8Array): void;
  close(): void;
}

export interface CoeditLinkOwner {
  opened(): void;
  heard(message: Uint8Array): void;
  /** Called once. 1006 when nothing was said. */
  closed(code: number, reason: string): void;
}

/** y-websocket's kinds of messages. */
export const MESSAGE = { sync: 0, awareness: 1, auth: 2 } as const;

/** The server says something every 20 s. */
const SILENCE_MS = 45_000;
const CONNECTING_MS = 20_000;
const ABNORMAL = 1006;
const NORMAL = 1000;
const UNAUTHENTICATED = 4401;
const OPEN = 1;

export function openCoeditLink(
  options: Pick<CoeditOptions, "url" | "postId" | "token" | "ticket" | "WebSocket">,
  owner: CoeditLinkOwner,
): CoeditLink {
  let socket: BinarySocketLike | undefined;
  let watch: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;

  function end(code: number, reason: string): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(watch);
    owner.closed(code, reason);
  }

  /** A closing handshake with a server that is gone would take half a minute: it is left to itself. */
  function abandon(code: number): void {
    const left = socket;
    end(code, "");
    try {
      left?.close(NORMAL);
    } catch {
      // It was not open yet; it closes itself as nobody listens.
    }
  }

  function alive(afterMs: number): void {
    clearTimeout(watch);
    watch = setTimeout(() => abandon(ABNORMAL), afterMs);
  }

  async function open(): Promise<void> {
    const { url, postId, token, ticket } = options;
    const Constructor =
      options.WebSocket ?? (globalThis as unknown as { WebSocket?: BinarySocketConstructor }).WebSocket;
    if (!Constructor) throw new Error("There is no WebSocket here: give the client one, such as that of ws.");
    const proof = await (ticket ?? token)?.();
    if (isOver) return;
    if (proof === undefined) return end(UNAUTHENTICATED, "nothing to show");
    const address = `${url.replace(/^http/, "ws").replace(/\/+$/, "")}/api/v1/coedit/${encodeURIComponent(postId)}`;
    const query = ticket ? `&ticket=${encodeURIComponent(proof)}` : "";
    const opened = new Constructor(`${address}?receipts=true${query}`);
    socket = opened;
    opened.binaryType = "arraybuffer";
    alive(CONNECTING_MS);
    opened.onopen = () => {
      // A token never stands in an address: addresses are written into logs.
      if (!ticket) opened.send(JSON.stringify({ type: "hello", token: proof }));
      if (!isOver) owner.opened();
    };
    opened.onmessage = (event: { data: ArrayBuffer }) => {
      if (isOver) return;
      alive(SILENCE_MS);
      owner.heard(new Uint8Array(event.data));
    };
    opened.onclose = (event: { code: number; reason: string }) => end(event.code, event.reason);
    opened.onerror = () => {};
  }

  open().catch(() => end(ABNORMAL, "no token or no connection"));
  return {
    isOpen: () => !isOver && socket?.readyState === OPEN,
    send(message) {
      if (!isOver && socket?.readyState === OPEN) socket.send(message);
    },
    close: () => abandon(NORMAL),
  };
}
