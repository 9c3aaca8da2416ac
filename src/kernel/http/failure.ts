// What a thrown value means to the caller: an expected refusal, the database away, the client gone, or our bug.
import { isDatabaseAway, isDatabaseBusy } from "../db/index.ts";
import { kernelErrors, Refusal } from "../errors/index.ts";
import type { Call } from "./call.ts";

const AWAY_RETRY_SECONDS = 2;
const BUSY_RETRY_SECONDS = 1;

/** The refusal to answer with; undefined when nobody is there any more to be answered. */
export function toRefusal(error: unknown, call: Call): Refusal | undefined {
  // Whatever failed after the client had left most likely failed because of it.
  if (call.request.signal.aborted) {
    call.log.debug({ err: error }, "the client went away");
    return undefined;
  }
  if (error instanceof Refusal) {
    if (error.cause !== undefined) call.log.info({ err: error.cause, code: error.code }, "request refused");
    return error;
  }
  if (isDatabaseAway(error)) {
    call.log.warn({ err: error }, "the database is away");
    return kernelErrors.DATABASE_UNAVAILABLE({ retryAfterSeconds: AWAY_RETRY_SECONDS });
  }
  if (isDatabaseBusy(error)) {
    call.log.warn({ err: error, route: call.target?.pattern }, "the database is busy");
    return kernelErrors.DATABASE_BUSY({ retryAfterSeconds: BUSY_RETRY_SECONDS });
  }
  call.log.error({ err: error, route: call.target?.pattern }, "request failed");
  return kernelErrors.INTERNAL();
}
