// The live feed: one WebSocket for all subscriptions, come back to by itself, each resumed where it was.
import { createBackoff } from "./backoff.ts";
import { type Link, openLink } from "./link.ts";
import type { LiveOptions, LiveState } from "./options.ts";
import {
  FINAL_CODES,
  type LiveError,
  type LiveEvent,
  type OnlineUser,
  type PresenceChange,
  type ServerFrame,
} from "./protocol.ts";

export interface SubscribeOptions {
  /** A position kept from before; left out, events from now on. */
  readonly since?: string;
  /** Every event once, in order. Keep `position` with what you make of it to resume after a restart. */
  readonly onEvent: (event: LiveEvent, position: string) => void;
  /** Events are missing for good: load the data anew. What comes next follows `position`, so ask for the data after this. */
  readonly onReset: (position: string) => void;
  /** The subscription stands, at the first time and after each cut; events after `position` follow. */
  readonly onSubscribed?: (position: string, online: readonly OnlineUser[]) => void;
  readonly onPresence?: (change: PresenceChange) => void;
  /** The subscription is over: no member, or no longer. */
  readonly onEnd?: (error: LiveError) => void;
}

export interface LiveSubscription {
  /** `<epoch>:<seq>` of what has been seen; undefined before the first answer. */
  readonly position: string | undefined;
  /** Tells the others of a project: a cursor, or {status: "idle"}. The last value is told again after a cut. */
  tell(state: Readonly<Record<string, unknown>>): void;
  end(): void;
}

export interface Live {
  /** A project by its id, or "me", the personal stream. One subscription each. */
  subscribe(target: string, options: SubscribeOptions): LiveSubscription;
  readonly state: LiveState;
  close(): void;
}

interface Subscribed {
  readonly target: string;
  readonly options: SubscribeOptions;
  position: { readonly epoch: string; readonly seq: number } | undefined;
  since: string | undefined;
  told: Readonly<Record<string, unknown>> | undefined;
  /** Asked for on the present connection. */
  isAsked: boolean;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 20_000;
/** Codes of refusals that pass. */
const PASSING = new Set(["DATABASE_UNAVAILABLE", "INTERNAL", "SHUTTING_DOWN"]);

export function openLive(options: LiveOptions): Live {
  const backoff = createBackoff(options.firstDelayMs ?? FIRST_DELAY_MS, options.maxDelayMs ?? MAX_DELAY_MS);
  const all = new Map<string, Subscribed>();
  let state: LiveState = "waiting";
  let link: Link | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let refusals = 0;

  function become(next: LiveState): void {
    if (state === next) return;
    state = next;
    options.onState?.(next);
  }

  function connect(): void {
    clearTimeout(timer);
    timer = undefined;
    if (state === "closed") return;
    become("connecting");
    link = openLink(options, { welcomed, heard, closed });
  }

  function welcomed(): void {
    refusals = 0;
    become("open");
    for (const each of all.values()) ask(each);
  }

  function ask(each: Subscribed): void {
    each.isAsked = true;
    const { epoch, seq } = each.position ?? {};
    const since = epoch === undefined ? each.since : `${epoch}:${seq}`;
    link?.send({ type: "subscribe", ...nameOf(each.target), ...(since === undefined ? {} : { since }) });
  }

  function heard(frame: ServerFrame) {
    if (frame.type === "welcome" || frame.type === "pong") return;
    const each = all.get(frame.project_id ?? frame.stream ?? "");
    // Still under way when the subscription was ended.
    if (!each?.isAsked) {
      if (frame.type === "error" && !each) options.onError?.(frame);
      return;
    }
    switch (frame.type) {
      case "subscribed":
        return stand(each, frame);
      case "reset":
        each.position = { epoch: frame.epoch, seq: frame.seq };
        return each.options.onReset(`${frame.epoch}:${frame.seq}`);
      case "event":
        return take(each, frame);
      case "presence":
        return each.options.onPresence?.(frame);
      case "error":
        return refuse(each, frame);
      case "unsubscribed":
        return;
      default:
        frame satisfies never;
    }
  }

  function stand(each: Subscribed, frame: ServerFrame & { type: "subscribed" }): void {
    backoff.clear();
    // With a position given, that is still where we are: what follows is the past, or the order to reload.
    each.position ??= parse(each.since) ?? { epoch: frame.epoch, seq: frame.seq };
    if (each.told) link?.send({ type: "presence", project_id: each.target, state: each.told });
    each.options.onSubscribed?.(`${each.position.epoch}:${each.position.seq}`, frame.online ?? []);
  }

  function take(each: Subscribed, { type, project_id, stream, ...event }: ServerFrame & { type: "event" }) {
    const { position } = each;
    if (!position || event.seq <= position.seq) return;
    // Never so with a server that keeps its promise: ask again from where we are.
    if (event.seq !== position.seq + 1) return link?.fail();
    each.position = { epoch: position.epoch, seq: event.seq };
    each.options.onEvent(event, `${position.epoch}:${event.seq}`);
  }

  function refuse(each: Subscribed, error: LiveError): void {
    if (PASSING.has(error.code)) {
      each.isAsked = false;
      const delayMs = backoff.next();
      setTimeout(() => {
        if (state === "open" && all.get(each.target) === each && !each.isAsked) ask(each);
      }, delayMs);
    } else if (error.code === "FRAME_TOO_LARGE" || error.code === "INVALID_FRAME") {
      options.onError?.(error);
    } else {
      drop(each, error);
    }
  }

  function drop(each: Subscribed, error: LiveError): void {
    all.delete(each.target);
    each.options.onEnd?.(error);
  }

  function closed(code: number, reason: string) {
    link = undefined;
    for (const each of all.values()) each.isAsked = false;
    if (state === "closed") return;
    if (code === FINAL_CODES.withdrawn) {
      withdraw(reason);
    } else if (code === FINAL_CODES.tooFast || (code === FINAL_CODES.unauthenticated && ++refusals > 1)) {
      // A token that had just ended is asked for once more; one that is refused twice will not do.
      const error = { code: code === FINAL_CODES.tooFast ? "TOO_FAST" : "UNAUTHENTICATED", detail: reason };
      options.onError?.(error);
      for (const each of [...all.values()]) drop(each, error);
      return become("closed");
    }
    become("waiting");
    timer = setTimeout(connect, backoff.next());
  }

  /** The reason names the project; without one it may be any of them, and asking again will tell. */
  function withdraw(reason: string): void {
    const target = reason.split(": ")[1] ?? "";
    const each = all.get(target);
    if (each) drop(each, { code: "ACCESS_WITHDRAWN", detail: "You are no longer a member of this project." });
  }

  /** A network that is back is tried at once. */
  function online(): void {
    if (state === "waiting") connect();
  }

  const page = globalThis as { addEventListener?: (type: string, hear: () => void) => void } & {
    removeEventListener?: (type: string, hear: () => void) => void;
  };
  page.addEventListener?.("online", online);
  connect();

  return {
    get state() {
      return state;
    },
    subscribe(given, subscribeOptions) {
      // As the server spells ids in its answers.
      const target = given.toLowerCase();
      if (all.has(target)) throw new Error(`There is a subscription to ${target} already.`);
      const each: Subscribed = {
        target,
        options: subscribeOptions,
        position: undefined,
        since: subscribeOptions.since,
        told: undefined,
        isAsked: false,
      };
      all.set(target, each);
      if (state === "open") ask(each);
      return {
        get position() {
          return each.position ? `${each.position.epoch}:${each.position.seq}` : each.since;
        },
        tell(told) {
          each.told = told;
          if (each.isAsked && each.position)
            link?.send({ type: "presence", project_id: target, state: told });
        },
        end() {
          if (all.get(target) !== each) return;
          all.delete(target);
          if (each.isAsked) link?.send({ type: "unsubscribe", ...nameOf(target) });
        },
      };
    },
    close() {
      if (state === "closed") return;
      become("closed");
      clearTimeout(timer);
      page.removeEventListener?.("online", online);
      link?.close();
    },
  };
}

function nameOf(target: string): { project_id: string } | { stream: "me" } {
  return target === "me" ? { stream: "me" } : { project_id: target };
}

function parse(position: string | undefined): { epoch: string; seq: number } | undefined {
  const [epoch, seq] = position?.split(":") ?? [];
  return epoch === undefined || seq === undefined ? undefined : { epoch, seq: Number(seq) };
}
