// WebSockets as modules see them: one handler a connection, topics that reach many at once, Bun kept behind.

/** One open connection. Texts are sent as they are, uncompressed: deflate costs memory a connection and a pause a message. */
export interface Socket {
  send(message: string | Uint8Array): void;
  /** Sends what `run` sends in as few packets as possible. */
  batch(run: () => void): void;
  /** Bytes that the client has not taken yet. */
  bufferedBytes(): number;
  /** From now on it gets what is published on the topic. */
  join(topic: string): void;
  leave(topic: string): void;
  /** Code 1000 or 3000 to 4999. */
  close(code: number, reason: string): void;
  /** Without a word, for a client that reads nothing. */
  terminate(): void;
}

/** What a module does with a connection. Errors that it throws close the connection with 1011. */
export interface SocketHandler {
  opened(socket: Socket): void;
  received(message: string | Uint8Array): void;
  /** What had to wait has been taken by the client. */
  drained?(): void;
  /** Called once, whoever has closed it. */
  closed(code: number): void;
}

/** Larger frames end the connection with 1009. Modules have smaller bounds of their own. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/**
 * Far above what a module lets wait: it finds slow clients by bufferedBytes. A client that passes even this is cut off, since
 * publishing on a topic cannot say for whom a message was dropped.
 */
export const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
/** Bun pings before it is over; a client that answers nothing for so long is gone. */
export const SOCKET_IDLE_SECONDS = 48;
