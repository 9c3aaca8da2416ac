// Server-sent events: the feed of one project as a response that does not end (HTML standard, "Server-sent events").
import type { Position } from "../../kernel/events/index.ts";
import type { Attendance } from "./attendance.ts";
import type { Closable, Connections } from "./connections.ts";
import { liveErrors } from "./errors.ts";
import * as frames from "./frames.ts";
import {
  type Caller,
  CLOSE,
  type Closing,
  formatPosition,
  MAX_WAITING_BYTES,
  REPLAY_WAITING_BYTES,
} from "./model.ts";
import { type Outlet, Subscription, type SubscriptionDeps } from "./subscription.ts";

export interface StreamDeps extends SubscriptionDeps {
  readonly connections: Connections;
  readonly attendance: Attendance;
}

export interface StreamRequest {
  readonly id: string;
  readonly address: string;
  readonly projectId: string;
  readonly caller: Caller;
  readonly since: Position | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** Comments that keep proxies from cutting a quiet stream. */
const HEARTBEAT_MS = 25_000;
/** When browsers come back after a cut: not all at once. */
const RETRY_FROM_MS = 1_000;
const RETRY_SPREAD_MS = 3_000;
const HEARTBEAT = ":\n\n";
const encoder = new TextEncoder();

/** Throws like the first answer of any route: when the caller may not read the project, or the database is away. */
export async function openStream(deps: StreamDeps, request: StreamRequest): Promise<Response> {
  const { connections } = deps;
  const stream = new EventStream(deps, request);
  const refusal = connections.admit(stream, request.caller);
  if (refusal) {
    connections.remove(stream);
    throw liveErrors.TOO_MANY_CONNECTIONS();
  }
  try {
    return await stream.open();
  } catch (error) {
    stream.end();
    throw error;
  }
}

class EventStream implements Closable, Outlet {
  readonly address: string;
  readonly #deps: StreamDeps;
  readonly #request: StreamRequest;
  readonly #subscription: Subscription;
  readonly #strategy = new ByteLengthQueuingStrategy({ highWaterMark: 16 * 1024 });
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #epoch = "";
  #isOver = false;
  #heartbeat: Timer | undefined;
  #onPull: (() => void) | undefined;

  constructor(deps: StreamDeps, request: StreamRequest) {
    this.#deps = deps;
    this.#request = request;
    this.address = request.address;
    this.#subscription = new Subscription(
      { kind: "project", projectId: request.projectId },
      request.caller,
      this,
      deps,
    );
  }

  async open(): Promise<Response> {
    const { projectId, signal, since } = this.#request;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pulled(),
        cancel: () => this.end(),
      },
      this.#strategy,
    );
    const allowed = Promise.withResolvers<void>();
    const started = this.#subscription.start(since, async () => {
      await this.#deps.attendance.prepare(projectId);
      allowed.resolve();
    });
    // The replay goes on while the answer is on its way; what stops it before it is allowed becomes the answer.
    started.then(allowed.resolve, allowed.reject);
    await allowed.promise;
    started.catch(() => this.end());
    signal.addEventListener("abort", () => this.end(), { once: true });
    this.#heartbeat = setInterval(() => this.#write(HEARTBEAT), HEARTBEAT_MS);
    return new Response(body, {
      headers: { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" },
    });
  }

  /** Safe to call twice. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#heartbeat);
    this.#subscription.stop();
    this.#deps.attendance.leave(this.#request.projectId, this.#request.id);
    this.#deps.connections.remove(this);
    this.#pulled();
    try {
      this.#controller?.close();
    } catch {
      // The client had closed it before us.
    }
  }

  close(closing: Closing): void {
    if (closing === CLOSE.sessionEnded) this.#write(data(frames.errorFrame(liveErrors.SESSION_ENDED)));
    this.end();
  }

  sendSubscribed(from: Position, head: Position): void {
    const { attendance } = this.#deps;
    const { id, projectId, caller } = this.#request;
    const online = attendance.list(projectId);
    attendance.enter(
      { projectId, connectionId: id, userId: caller.userId },
      { join: () => {}, leave: () => {}, hear: (text) => this.#write(data(text)) },
    );
    this.#epoch = head.epoch;
    const retryMs = Math.round(RETRY_FROM_MS + Math.random() * RETRY_SPREAD_MS);
    const text = frames.subscribedFrame(this.#subscription.source, head, online);
    // With an id, so that a client to whom nothing happens can resume too.
    this.#write(`retry: ${retryMs}\n${data(text, from)}`);
  }

  sendReset(text: string, position: Position): void {
    this.#epoch = position.epoch;
    this.#write(data(text, position));
  }

  replay(events: readonly frames.EventFrame[]): void {
    this.deliver(events);
  }

  deliver(events: readonly frames.EventFrame[]): void {
    this.#write(events.map(({ seq, text }) => data(text, { epoch: this.#epoch, seq })).join(""));
  }

  goLive(): void {}

  leave(): void {}

  waitingBytes(): number {
    if (this.#isOver) return 0;
    return this.#strategy.highWaterMark - (this.#controller?.desiredSize ?? 0);
  }

  async drained(): Promise<void> {
    while (!this.#isOver && this.waitingBytes() > REPLAY_WAITING_BYTES) {
      await new Promise<void>((resolve) => {
        this.#onPull = resolve;
      });
    }
  }

  tooSlow(): void {
    this.end();
  }

  withdrawn(): void {
    this.#write(data(frames.errorFrame(liveErrors.ACCESS_WITHDRAWN, this.#subscription.source)));
    this.end();
  }

  #pulled(): void {
    this.#onPull?.();
    this.#onPull = undefined;
  }

  #write(text: string): void {
    if (this.#isOver) return;
    this.#controller?.enqueue(encoder.encode(text));
    // A stream is no socket: what its client does not take stays with us.
    if (this.waitingBytes() > MAX_WAITING_BYTES * 2) this.end();
  }
}

/** JSON has no line ends, so one line carries it. */
function data(json: string, position?: Position): string {
  return `${position ? `id: ${formatPosition(position)}\n` : ""}data: ${json}\n\n`;
}
