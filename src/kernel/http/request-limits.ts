// How often one may ask: by address without a token, by user or key with one, exactly on sign-in calls.
import type { Config } from "../config/index.ts";
import { kernelErrors, Refusal } from "../errors/index.ts";
import { type Limits, networkOf, type Verdict } from "../limits/index.ts";
import { actorOf, type FindCaller, tokenOf } from "./authentication.ts";
import type { Call } from "./call.ts";
import { callerOf } from "./idempotency/index.ts";
import type { Caller, LimitGroup, RouteAccess } from "./route.ts";

/** What a route's limit does with a call; both throw RATE_LIMITED. */
export interface RouteGuard {
  /** Before anything else is done: before a token is checked and a body is read. */
  enter(call: Call, findCaller: FindCaller): Promise<void> | undefined;
  /** Finds the actor of a route that is not public, and counts. */
  identify(call: Call, findCaller: FindCaller): Caller | Promise<Caller>;
}

export interface RequestLimits {
  /** Undefined when the route is under no limit. */
  guardOf(spec: { readonly limit?: LimitGroup; readonly access: RouteAccess }): RouteGuard | undefined;
  /** For an address that no route has. */
  stray(call: Call): void;
}

export type LimitSettings = Pick<
  Config,
  "authRateLimitPerMinute" | "rateLimitPerMinute" | "userRateLimitPerMinute"
>;

const WINDOW_SECONDS = 60;

export function createRequestLimits(config: LimitSettings, limits: Limits): RequestLimits {
  const estimate = (name: string, perMinute: number) =>
    perMinute === 0 ? undefined : limits.estimate(name, perMinute);
  const addresses = estimate("address", config.rateLimitPerMinute);
  const refusedTokens = estimate("refused token", config.rateLimitPerMinute);
  const callers = estimate("caller", config.userRateLimitPerMinute);
  const signIn = { name: "sign-in", limit: config.authRateLimitPerMinute, windowSeconds: WINDOW_SECONDS };

  function countAddress(call: Call): void {
    if (addresses) apply(call, addresses.hit(networkOf(call.address)));
  }

  function countCaller(call: Call, actor: Caller): Caller {
    if (callers) apply(call, callers.hit(callerOf(actor)));
    return actor;
  }

  /** What was no valid token is known only after it was checked. Others at the same address do not suffer from it. */
  function countRefused(call: Call, error: unknown): never {
    const isRefused = error instanceof Refusal && error.status === 401;
    if (refusedTokens && isRefused && hasToken(call))
      call.verdict = refusedTokens.hit(networkOf(call.address));
    throw error;
  }

  async function enterSignIn(call: Call): Promise<void> {
    apply(call, await limits.hit(signIn, networkOf(call.address)));
  }

  /** Checking a signature costs more than all the rest of a refusal: an address that sent too many bad ones must wait. */
  function enterClosed(call: Call, findCaller: FindCaller): undefined {
    if (!hasToken(call)) return void countAddress(call);
    const verdict = refusedTokens?.exhausted(networkOf(call.address));
    if (!verdict) return;
    const token = tokenOf(call.request);
    if (token === undefined || !findCaller.isKnown(token)) apply(call, verdict);
  }

  /** Nobody has to say who he is here, but who is known already asks as himself. */
  function enterOpen(call: Call, findCaller: FindCaller): Promise<void> | undefined {
    const token = hasToken(call) ? tokenOf(call.request) : undefined;
    const actor = token !== undefined && findCaller.isKnown(token) ? findCaller(token) : undefined;
    const count = (found: Caller | undefined) => void (found ? countCaller(call, found) : countAddress(call));
    if (actor instanceof Promise) return actor.then(count);
    count(actor);
    return undefined;
  }

  function identify(call: Call, findCaller: FindCaller): Caller | Promise<Caller> {
    try {
      const actor = actorOf(call.request, findCaller);
      if (!(actor instanceof Promise)) return countCaller(call, actor);
      return actor.catch((error) => countRefused(call, error)).then((found) => countCaller(call, found));
    } catch (error) {
      // Its own refusal, which is none of a token, goes through.
      return countRefused(call, error);
    }
  }

  const signInGuard: RouteGuard = {
    enter: enterSignIn,
    identify: (call, findCaller) => actorOf(call.request, findCaller),
  };
  return {
    guardOf({ limit = "general", access }) {
      if (limit === "none") return undefined;
      if (limit === "sign-in") return signIn.limit === 0 ? undefined : signInGuard;
      if (!addresses && !callers) return undefined;
      return { enter: access === "public" ? enterOpen : enterClosed, identify };
    },
    stray(call) {
      // With a token it is somebody's mistake, and its refusal costs what this answer does.
      if (!hasToken(call)) countAddress(call);
    },
  };
}

function apply(call: Call, verdict: Verdict): void {
  call.verdict = verdict;
  if (!verdict.isAllowed) throw kernelErrors.RATE_LIMITED({ retryAfterSeconds: verdict.retryAfterSeconds });
}

function hasToken(call: Call): boolean {
  return call.request.headers.has("authorization");
}
