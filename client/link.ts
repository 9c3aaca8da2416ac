// One connection of the client: hello, frames, and a watch for servers that fall silent.
import type { LiveOptions, SocketConstructor, SocketLike } from "./options.ts";
import { FINAL_CODES, type ServerFrame } from "./protocol.ts";

export interface Link {
  send(frame: object): void;
  /** Ends it as if the network had: the owner comes back. */
  fail(): void;
  close(): void;
}

export interface LinkOwner {
  welcomed(): void;
  heard(frame: ServerFrame): void;
  /** Called once. 1006 when nothing was said. */
  closed(code: number, reason: string): void;
}

const SILENCE_MS = 10_000;
const FIRST_HEARTBEAT_MS = 25_000;
const ABNORMAL = 1006;
const NORMAL = 1000;

export function openLink(options: LiveOptions, owner: LinkOwner): Link {
  const silenceMs = options.silenceMs ?? SILENCE_MS;
  let socket: SocketLike | undefined;
  let watch: ReturnType<typeof setTimeout> | undefined;
  let heartbeatMs = FIRST_HEARTBEAT_MS;
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

  /** Any frame is a sign of life. */
  function alive(): void {
    clearTimeout(watch);
    watch = setTimeout(() => {
      send({ type: "ping" });
      watch = setTimeout(() => abandon(ABNORMAL), silenceMs);
    }, heartbeatMs);
  }

  function send(frame: object): void {
    if (!isOver && socket?.readyState === 1) socket.send(JSON.stringify(frame));
  }

  function receive(text: string): void {
    if (isOver) return;
    // The server is trusted to send what it documents.
    const frame = JSON.parse(text) as ServerFrame;
    if (frame.type === "welcome") heartbeatMs = frame.heartbeat_s * 1000;
    alive();
    if (frame.type === "welcome") owner.welcomed();
    owner.heard(frame);
  }

  async function open(): Promise<void> {
    const { token, ticket } = options;
    const Constructor =
      options.WebSocket ?? (globalThis as unknown as { WebSocket?: SocketConstructor }).WebSocket;
    if (!Constructor) throw new Error("There is no WebSocket here: give the client one, such as that of ws.");
    const proof = await (ticket ?? token)?.();
    if (isOver) return;
    if (proof === undefined) return end(FINAL_CODES.unauthenticated, "nothing to show");
    const query = ticket ? `?ticket=${encodeURIComponent(proof)}` : "";
    const opened = new Constructor(
      `${options.url.replace(/^http/, "ws").replace(/\/+$/, "")}/api/v1/live${query}`,
    );
    socket = opened;
    // Until something is heard the connecting itself is watched.
    watch = setTimeout(() => abandon(ABNORMAL), silenceMs * 2);
    opened.onopen = () => {
      if (!ticket) send({ type: "hello", token: proof });
    };
    opened.onmessage = (event: { data: unknown }) => receive(String(event.data));
    opened.onclose = (event: { code: number; reason: string }) => end(event.code, event.reason);
    opened.onerror = () => {};
  }

  open().catch(() => end(ABNORMAL, "no token or no connection"));
  return {
    send,
    fail: () => abandon(ABNORMAL),
    close: () => abandon(NORMAL),
  };
}
