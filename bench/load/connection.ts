// One kept-alive HTTP/1.1 connection that asks, waits for the whole answer, and asks again; no pipelining.
import type { Socket } from "bun";

export interface Exchange {
  readonly status: number;
  readonly latencyMs: number;
}

interface Conversation {
  /** The next request as bytes; undefined ends the connection. */
  next(): Uint8Array | undefined;
  onAnswer(exchange: Exchange): void;
}

interface State {
  sentAtMs: number;
  /** Bytes of an answer that has not ended yet. */
  held: Buffer | undefined;
  /** What the kernel's buffer did not take of the request. */
  unsent: Uint8Array | undefined;
  finish(error?: Error): void;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** Resolves when `next` has no more; rejects when the server closes or answers what is no HTTP. */
export function converse(port: number, conversation: Conversation): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const finish = (error?: Error) => (error ? reject(error) : resolve());

  const send = (socket: Socket<State>) => {
    const request = conversation.next();
    if (!request) {
      socket.data.finish();
      socket.end();
      return;
    }
    socket.data.sentAtMs = performance.now();
    write(socket, request);
  };

  const connecting = Bun.connect<State>({
    hostname: "127.0.0.1",
    port,
    data: { sentAtMs: 0, held: undefined, unsent: undefined, finish },
    socket: {
      open: send,
      data(socket, chunk) {
        const { data } = socket;
        const bytes = data.held ? Buffer.concat([data.held, chunk]) : chunk;
        const answer = readAnswer(bytes);
        data.held = answer ? undefined : bytes;
        if (!answer) return;
        conversation.onAnswer({ status: answer.status, latencyMs: performance.now() - data.sentAtMs });
        send(socket);
      },
      drain(socket) {
        const { unsent } = socket.data;
        socket.data.unsent = undefined;
        if (unsent) write(socket, unsent);
      },
      close: (socket) => socket.data.finish(new Error("the server closed the connection")),
      error: (socket, error) => socket.data.finish(error),
    },
  });
  connecting.catch(reject);
  return promise;
}

function write(socket: Socket<State>, bytes: Uint8Array): void {
  const written = socket.write(bytes);
  if (written < bytes.length) socket.data.unsent = bytes.subarray(Math.max(written, 0));
}

/** The status of a complete answer; undefined while bytes are missing. Answers carry Content-Length or no body. */
function readAnswer(bytes: Buffer): { status: number } | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const length = contentLength(head);
  return bytes.length >= headEnd + HEAD_END.length + length
    ? { status: Number(head.slice(9, 12)) }
    : undefined;
}

function contentLength(head: string): number {
  let at = head.indexOf("\r\nContent-Length: ");
  if (at < 0) at = head.indexOf("\r\ncontent-length: ");
  return at < 0 ? 0 : Number.parseInt(head.slice(at + 18, at + 28), 10);
}
