// What a request is told whose key has been seen before.
import { kernelErrors } from "../../errors/index.ts";
import type { Reply } from "../route.ts";
import type { StoredKey } from "./store.ts";

const RETRY_SECONDS = 1;

export function inProgress() {
  return kernelErrors.IDEMPOTENCY_IN_PROGRESS({ retryAfterSeconds: RETRY_SECONDS });
}

/** The stored answer for the same content; refuses other content under the same key. */
export function replay(stored: StoredKey, fingerprint: Uint8Array): Reply {
  const isSame = stored.fingerprint !== null && Buffer.from(fingerprint).equals(stored.fingerprint);
  if (!isSame || stored.status === null) throw kernelErrors.IDEMPOTENCY_KEY_REUSED();
  return {
    status: stored.status,
    headers: { ...stored.headers, "Idempotency-Replayed": "true" },
    ...(stored.body === null ? {} : { body: JSON.parse(stored.body) }),
  };
}
