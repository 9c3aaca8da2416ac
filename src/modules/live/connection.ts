// One WebSocket connection: who it is, what it says, what it is subscribed to, and how it ends.
import { isDatabaseAway, isDatabaseBusy } from "../../kernel/db/index.ts";
import { type ErrorDefinition, kernelErrors, Refusal } from "../../kernel/errors/index.ts";
import type { Position } from "../../kernel/events/index.ts";
import type { Socket, SocketHandler } from "../../kernel/http/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { Allowance } from "./allowance.ts";
import type { Attendance } from "./attendance.ts";
import type { Connections } from "./connections.ts";
import { liveErrors } from "./errors.ts";
import type { Feed } from "./feed.ts";
import * as frames from "./frames.ts";
import {
  type Caller,
  CLOSE,
  type Closing,
  HEARTBEAT_SECONDS,
  HELLO_TIMEOUT_MS,
  MAX_FRAME_CHARS,
  MAX_SUBSCRIPTIONS,
  nameOf,
  parsePosition,
  REPLAY_WAITING_BYTES,
  type Source,
} from "./model.ts";
import { type Outlet, Subscription, type SubscriptionDeps } from "./subscription.ts";

export interface ConnectionDeps extends SubscriptionDeps {
  readonly connections: Connections;
  readonly attendance: Attendance;
  readonly log: Logger;
  /** Undefined for a token that is not valid. */
  readonly callerOfToken: (token: string) => Promise<Caller | undefined>;
}

type State =
  | { readonly state: "silent" }
  /** What it says meanwhile is heard afterwards. */
  | { readonly state: "checking"; readonly waiting: string[] }
  | { readonly state: "open"; readonly caller: Caller }
  | { readonly state: "over" };

/** For a client to read why, before the connection is cut. */
const CLOSING_MS = 2_000;

export class Connection implements SocketHandler {
  readonly id: string;
  readonly address: string;
  readonly #deps: ConnectionDeps;
  readonly #proof: Promise<Caller | undefined> | undefined;
  readonly #allowance = new Allowance();
  readonly #subscriptions = new Map<string, Subscription>();
  #state: State = { state: "silent" };
  #socket: Socket | undefined;
  #helloTimer: Timer | undefined;
  #onDrained: (() => void) | undefined;

  /** @param proof who it is when the request said so; without it the first frame must. */
  constructor(
    id: string,
    address: string,
    deps: ConnectionDeps,
    proof: Promise<Caller | undefined> | undefined,
  ) {
    this.id = id;
    this.address = address;
    this.#deps = deps;
    this.#proof = proof;
  }

  opened(socket: Socket) {
    this.#socket = socket;
    const { connections } = this.#deps;
    const refusal = connections.isStopping() ? CLOSE.stopping : connections.addStranger(this);
    if (refusal) return this.close(refusal);
    if (this.#proof) void this.#identify(this.#proof);
    else this.#helloTimer = setTimeout(() => this.close(CLOSE.unauthenticated), HELLO_TIMEOUT_MS);
  }

  received(message: string | Uint8Array) {
    if (this.#state.state === "over") return;
    if (!this.#allowance.take(performance.now())) return this.close(CLOSE.tooFast);
    if (typeof message !== "string") return this.#refuse(liveErrors.INVALID_FRAME);
    if (message.length > MAX_FRAME_CHARS) return this.#refuse(liveErrors.FRAME_TOO_LARGE);
    if (this.#state.state === "checking") this.#state.waiting.push(message);
    else this.#hear(message);
  }

  drained(): void {
    this.#onDrained?.();
    this.#onDrained = undefined;
  }

  closed(): void {
    this.#state = { state: "over" };
    clearTimeout(this.#helloTimer);
    for (const subscription of this.#subscriptions.values()) this.#end(subscription);
    this.#subscriptions.clear();
    this.#deps.connections.remove(this);
    this.drained();
  }

  close({ code, reason }: Closing): void {
    if (this.#state.state === "over") return;
    const socket = this.#socket;
    socket?.close(code, reason);
    this.closed();
    // A client that takes nothing would keep what waits for it in memory.
    if (socket && socket.bufferedBytes() > 0) setTimeout(() => socket.terminate(), CLOSING_MS).unref();
  }

  send(text: string): void {
    if (this.#state.state !== "over") this.#socket?.send(text);
  }

  #hear(text: string): void {
    const frame = frames.parseFrame(text);
    if (this.#state.state === "open") {
      if (!frame || frame.type === "hello") this.#refuse(liveErrors.INVALID_FRAME);
      else this.#answer(frame, this.#state.caller);
    } else if (frame?.type === "hello") {
      clearTimeout(this.#helloTimer);
      void this.#identify(this.#deps.callerOfToken(frame.token));
    } else {
      // Strangers may say who they are, and nothing else.
      this.close(CLOSE.unauthenticated);
    }
  }

  async #identify(proof: Promise<Caller | undefined>): Promise<void> {
    const waiting: string[] = [];
    this.#state = { state: "checking", waiting };
    let caller: Caller | undefined;
    try {
      caller = await proof;
    } catch (error) {
      if (!isTransient(error)) this.#deps.log.error({ err: error }, "a live connection could not be checked");
      // Not a final code: the client tries again.
      return this.close({ code: 3013, reason: "try again later" });
    }
    if (this.#isOver()) return;
    if (!caller) return this.close(CLOSE.unauthenticated);
    const refusal = this.#deps.connections.admit(this, caller);
    if (refusal) return this.close(refusal);
    this.#state = { state: "open", caller };
    this.send(frames.welcomeFrame(this.id, caller.userId, HEARTBEAT_SECONDS));
    for (const text of waiting) if (!this.#isOver()) this.#hear(text);
  }

  // A method: the compiler would else believe that the state is what it was before an await.
  #isOver(): boolean {
    return this.#state.state === "over";
  }

  #answer(frame: Exclude<frames.ClientFrame, { type: "hello" }>, caller: Caller) {
    switch (frame.type) {
      case "ping":
        return this.send(frames.PONG);
      case "subscribe":
        return void this.#subscribe(frames.sourceOf(frame, caller.userId), frame.since, caller);
      case "unsubscribe":
        return this.#unsubscribe(frames.sourceOf(frame, caller.userId));
      case "presence":
        return this.#tell(frame.project_id, frame.state);
      default:
        frame satisfies never;
    }
  }

  async #subscribe(source: Source, since: string | undefined, caller: Caller): Promise<void> {
    const name = nameOf(source);
    if (this.#subscriptions.has(name)) return this.#refuse(liveErrors.ALREADY_SUBSCRIBED, source);
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      return this.#refuse(liveErrors.TOO_MANY_SUBSCRIPTIONS, source);
    }
    const subscription = new Subscription(source, caller, this.#outlet(source), this.#deps);
    this.#subscriptions.set(name, subscription);
    try {
      const position = since === undefined ? undefined : parsePosition(since);
      await subscription.start(position, () => this.#attend(subscription));
    } catch (error) {
      if (this.#subscriptions.get(name) !== subscription) return;
      this.#subscriptions.delete(name);
      this.#end(subscription);
      this.#refuse(this.#toRefusal(error), source);
    }
  }

  async #attend({ source }: Subscription): Promise<void> {
    if (source.kind === "project") await this.#deps.attendance.prepare(source.projectId);
  }

  #toRefusal(error: unknown): Pick<ErrorDefinition, "code" | "detail"> {
    if (error instanceof Refusal) return error;
    if (isTransient(error)) return kernelErrors.DATABASE_UNAVAILABLE;
    this.#deps.log.error({ err: error, connection_id: this.id }, "a subscription failed");
    return kernelErrors.INTERNAL;
  }

  #unsubscribe(source: Source) {
    const subscription = this.#subscriptions.get(nameOf(source));
    if (!subscription) return this.#refuse(liveErrors.NOT_SUBSCRIBED, source);
    this.#subscriptions.delete(nameOf(source));
    this.#end(subscription);
    this.send(frames.unsubscribedFrame(source));
  }

  #end(subscription: Subscription): void {
    subscription.stop();
    const { source } = subscription;
    if (source.kind === "project") this.#deps.attendance.leave(source.projectId, this.id);
  }

  #tell(projectId: string, state: Record<string, unknown>) {
    const refusal = this.#subscriptions.has(projectId)
      ? this.#deps.attendance.tell(projectId, this.id, state)
      : liveErrors.NOT_SUBSCRIBED;
    if (refusal) this.#refuse(refusal, { kind: "project", projectId });
  }

  #refuse(error: Pick<ErrorDefinition, "code" | "detail">, source?: Source): void {
    this.send(frames.errorFrame(error, source));
  }

  #outlet(source: Source): Outlet {
    const socket = () => this.#socket;
    return {
      sendSubscribed: (_from, head) => this.#sendSubscribed(source, head),
      sendReset: (text) => this.send(text),
      replay: (events) =>
        socket()?.batch(() => {
          for (const { text } of events) this.send(text);
        }),
      goLive: (feed: Feed) => socket()?.join(feed.topic),
      leave: (feed: Feed) => {
        if (!this.#isOver()) socket()?.leave(feed.topic);
      },
      waitingBytes: () => (this.#isOver() ? 0 : (socket()?.bufferedBytes() ?? 0)),
      drained: () => this.#drained(),
      tooSlow: () => this.close(CLOSE.tooSlow),
      withdrawn: () =>
        this.close({ ...CLOSE.withdrawn, reason: `${CLOSE.withdrawn.reason}: ${nameOf(source)}` }),
    };
  }

  #sendSubscribed(source: Source, head: Position) {
    if (source.kind !== "project" || this.#state.state !== "open" || !this.#socket) {
      return this.send(frames.subscribedFrame(source, head));
    }
    const { attendance } = this.#deps;
    // In one tick: who is in the list is not announced again, who is not will be.
    const online = attendance.list(source.projectId);
    attendance.enter(
      { projectId: source.projectId, connectionId: this.id, userId: this.#state.caller.userId },
      this.#socket,
    );
    this.send(frames.subscribedFrame(source, head, online));
  }

  async #drained(): Promise<void> {
    while (!this.#isOver() && (this.#socket?.bufferedBytes() ?? 0) > REPLAY_WAITING_BYTES) {
      await new Promise<void>((resolve) => {
        this.#onDrained = chain(this.#onDrained, resolve);
      });
    }
  }
}

function isTransient(error: unknown): boolean {
  return isDatabaseAway(error) || isDatabaseBusy(error);
}

/** Several subscriptions of one connection may wait for the same moment. */
function chain(first: (() => void) | undefined, then: () => void): () => void {
  return () => {
    first?.();
    then();
  };
}
