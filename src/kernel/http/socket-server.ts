// Bun's WebSocket handler for all connections, handing each event to the connection's own handler.
import type { Server, ServerWebSocket, WebSocketHandler } from "bun";
import type { Logger } from "../telemetry/index.ts";
import {
  MAX_BUFFERED_BYTES,
  MAX_FRAME_BYTES,
  SOCKET_IDLE_SECONDS,
  type Socket,
  type SocketHandler,
} from "./socket.ts";

/** What Bun keeps of a connection. */
export interface SocketData {
  readonly handler: SocketHandler;
}

export type BunServer = Server<SocketData>;

/** RFC 6455 section 7.4.1: the server met an error. */
const INTERNAL_ERROR = 1011;

export function createSocketHandler(
  log: Logger,
  idleSeconds = SOCKET_IDLE_SECONDS,
): WebSocketHandler<SocketData> {
  return {
    idleTimeout: idleSeconds,
    sendPings: true,
    perMessageDeflate: false,
    maxPayloadLength: MAX_FRAME_BYTES,
    backpressureLimit: MAX_BUFFERED_BYTES,
    closeOnBackpressureLimit: true,
    open: (ws) => ws.data.handler.opened(new BunSocket(ws)),
    message: (ws, message) => ws.data.handler.received(message),
    drain: (ws) => ws.data.handler.drained?.(),
    close: (ws, code) => ws.data.handler.closed(code),
    error(error, ws) {
      log.error({ err: error }, "a WebSocket's handler threw");
      ws.close(INTERNAL_ERROR, "internal error");
    },
  };
}

class BunSocket implements Socket {
  readonly #ws: ServerWebSocket<SocketData>;

  constructor(ws: ServerWebSocket<SocketData>) {
    this.#ws = ws;
  }

  send(message: string | Uint8Array): void {
    if (typeof message === "string") this.#ws.sendText(message);
    else this.#ws.sendBinary(message);
  }

  batch(run: () => void): void {
    this.#ws.cork(run);
  }

  bufferedBytes(): number {
    return this.#ws.getBufferedAmount();
  }

  join(topic: string): void {
    this.#ws.subscribe(topic);
  }

  leave(topic: string): void {
    this.#ws.unsubscribe(topic);
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }
}
