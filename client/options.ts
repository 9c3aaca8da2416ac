// How a client is set up.
import type { LiveError } from "./protocol.ts";

/** The part of the standard WebSocket that is used; `ws` has it, too. */
export interface SocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

export type SocketConstructor = new (url: string) => SocketLike;

/** `closed` is final; `waiting` until the next attempt. */
export type LiveState = "connecting" | "open" | "waiting" | "closed";

export type Proof = () => string | undefined | Promise<string | undefined>;

export interface LiveOptions {
  /** The server, such as https://stoa.example.org. */
  readonly url: string;
  /**
   * Gives an access token for each connection; a function that refreshes it lets the feed outlive it. Undefined says that
   * there is none any more, which ends the feed for good; after an error it is asked again.
   */
  readonly token?: Proof;
  /** Gives a ticket of POST /live/tickets for each connection, in place of a token; undefined as there. */
  readonly ticket?: Proof;
  /** Default the global WebSocket; Node 20 has none: give it that of `ws`. */
  readonly WebSocket?: SocketConstructor;
  readonly onState?: (state: LiveState) => void;
  /** What belongs to no subscription, such as a token that is refused for good. */
  readonly onError?: (error: LiveError) => void;
  /** The longest wait before an attempt, at first and at most; the wait is a random part of it. Default 500 ms and 20 s. */
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
  /** A server that says nothing for so long after being asked is gone. Default 10 s. */
  readonly silenceMs?: number;
}
