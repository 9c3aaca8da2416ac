// A streamed body with an Idempotency-Key: the key is leased while the body is read, in as many transactions as it takes.
import { createHash, type Hash, randomUUID } from "node:crypto";
import type { Database } from "../../db/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import type { Reply, Upload } from "../route.ts";
import { type Idempotent, identify } from "./key.ts";
import { inProgress, replay } from "./replay.ts";
import { endLease, findKey, type Lease, lockKey, releaseLease, renewLease, storeLease } from "./store.ts";

interface KeyedUpload {
  readonly db: Database;
  readonly log: Logger;
  readonly idempotent: Idempotent;
  readonly body: ReadableStream<Uint8Array>;
  /** How long a key stays taken after its process has died. Default 30 s. */
  readonly leaseMs?: number;
}

const LEASE_MS = 30_000;

/** Runs `run` unless the key has an answer, which then needs the same bytes again. See RouteContext.upload. */
export async function keyedUpload(
  options: KeyedUpload,
  run: (upload: Upload) => Promise<Reply>,
): Promise<Reply> {
  const { db, log, idempotent, body, leaseMs = LEASE_MS } = options;
  const { id, lock } = identify(idempotent);
  const lease: Lease = { holder: randomUUID(), leaseMs };
  const stored = await db.transaction(async (tx) => {
    const [isTaken, found] = await Promise.all([lockKey(tx, lock), findKey(tx, id)]);
    if (!isTaken || (found && found.holder !== null)) throw inProgress();
    if (!found) await storeLease(tx, id, lease);
    return found;
  });
  const hash = createHash("sha256").update(JSON.stringify([idempotent.query, idempotent.type]));
  if (stored) {
    for await (const chunk of body) hash.update(chunk);
    return replay(stored, hash.digest());
  }
  const stopRenewing = renewRegularly(options, id, lease);
  try {
    return await runHolding(id, lease, hashedBody(body, hash), run);
  } catch (error) {
    // When the commit's outcome is unknown this is still right: an answer that was committed has no holder any more.
    await db
      .single((tx) => releaseLease(tx, id, lease))
      .catch((cause) => log.warn({ err: cause }, "an Idempotency-Key stays taken until its lease ends"));
    throw error;
  } finally {
    stopRenewing();
  }
}

async function runHolding(
  id: Uint8Array,
  lease: Lease,
  hashed: HashedBody,
  run: (upload: Upload) => Promise<Reply>,
): Promise<Reply> {
  let isFinished = false;
  const reply = await run({
    body: hashed.body,
    async finish(tx, answer) {
      const fingerprint = hashed.digest();
      // Another run may have taken a key whose lease could not be renewed; ours then leaves nothing.
      if (!(await endLease(tx, id, lease, { fingerprint, reply: answer }))) throw inProgress();
      isFinished = true;
      return answer;
    },
  });
  if (!isFinished) throw new Error("an upload ends with finish");
  return reply;
}

/** Returns how to stop it. Two renewals in a row may fail before the key is lost. */
function renewRegularly({ db, log }: KeyedUpload, id: Uint8Array, lease: Lease): () => void {
  const renew = () =>
    db
      .single((tx) => renewLease(tx, id, lease))
      .catch((error) => log.warn({ err: error }, "the lease of an Idempotency-Key was not renewed"));
  const timer = setInterval(renew, lease.leaseMs / 3);
  return () => clearInterval(timer);
}

interface HashedBody {
  readonly body: ReadableStream<Uint8Array>;
  /** Of all bytes; throws before the body's end. */
  digest(): Uint8Array;
}

/** The same bytes, hashed as they pass. */
function hashedBody(body: ReadableStream<Uint8Array>, hash: Hash): HashedBody {
  const reader = body.getReader();
  let hasEnded = false;
  return {
    body: new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) {
            hasEnded = true;
            controller.close();
          } else {
            hash.update(value);
            controller.enqueue(value);
          }
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    ),
    digest() {
      if (!hasEnded) throw new Error("an upload is finished after its body's end");
      return hash.digest();
    },
  };
}
