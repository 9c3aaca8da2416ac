// What is kept of each request: its line in the access log, and its time in the metrics.
import type { Logger, Metrics } from "../telemetry/index.ts";
import type { Call } from "./call.ts";
import type { Caller } from "./route.ts";

const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** Enough to see what was meant, too little to fill the log with. */
const MAX_PATH_CHARS = 200;
/** Longer than any id or word: somebody has put a token into the path. */
const TOKEN_LIKE = /[\w.~%-]{40,}/g;

export type Observe = (call: Call, status: number) => void;

export function createObservation(deps: { log: Logger; metrics: Metrics }): Observe {
  const { log } = deps;
  const seconds = deps.metrics.histogram(
    "stoa_http_request_duration_seconds",
    "Time from a request's headers to its answer, by route and status.",
    ["method", "route", "status"],
    BUCKETS_S,
  );
  return (call, status) => {
    const durationMs = performance.now() - call.startedMs;
    const { target, actor, sentBytes } = call;
    // Labels come from our own routes only: strangers must not be able to make series.
    const method = METHODS.has(call.request.method) ? call.request.method : "other";
    seconds.observe({ method, route: target?.pattern ?? "none", status }, durationMs / 1000);
    // Built by hand: a fifth of what a logger takes. The query string is never in it, nor the path of a known route, since both
    // can hold secrets; unknown paths are shown, that one may find the mistake.
    log.line(
      `"request_id":"${call.requestId}","method":"${method}","route":${target?.patternJson ?? "null"}${
        target ? "" : `,"path":${JSON.stringify(shownPath(call.path))}`
      },"status":${status},"duration_ms":${Math.round(durationMs * 100) / 100},"bytes":${sentBytes ?? "null"}${
        actor ? whoOf(actor) : ""
      },"address":"${call.address}","msg":"request"`,
    );
  };
}

function whoOf(actor: Caller): string {
  if (actor.kind === "user") return `,"user_id":${JSON.stringify(actor.userId)}`;
  return `,"user_id":${JSON.stringify(actor.creatorId)},"api_key_id":${JSON.stringify(actor.keyId)}`;
}

function shownPath(path: string): string {
  return path.slice(0, MAX_PATH_CHARS).replace(TOKEN_LIKE, "[redacted]");
}
