// A streamed body with an Idempotency-Key: the key is leased while the body is read, in as many transactions as it takes.
import { createHash, type Hash, randomUUID } from "node:crypto";
import type { Database } from "../../db/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import type { Reply, Upload } from "../route.ts";
import { type Idempotent, identify } from "./key.ts";
import { inProgress, replay } from "./replay.ts";
import { endLease, findKey, LEASE_SECONDS, lockKey, releaseLease, renewLease, storeLease } from "./store.ts";

interface KeyedUpload {
  readonly db: Database;
  readonly log: Logger;
  readonly idempotent: Idempotent;
  readonly body: ReadableStream<Uint8Array>;
}

/** Runs `run` unless the key has an answer, which then needs the same bytes again. See RouteContext.upload. */
export async function keyedUpload(
  { db, log, idempotent, body }: KeyedUpload,
  run: (upload: Upload) => Promise<Reply>,
): Promise<Reply> {
  const { id, lock } = identify(idempotent);
  const hash = createHash("sha256").update(JSON.stringify([idempotent.query, idempotent.type]));
  const holder = randomUUID();
  const stored = await db.transaction(async (tx) => {
    const [isTaken, found] = await Promise.all([lockKey(tx, lock), findKey(tx, id)]);
    if (!isTaken || (found && found.holder !== null)) throw inProgress();
    if (!found) await storeLease(tx, id, holder);
    return found;
  });
  if (stored) {
    for await (const chunk of body) hash.update(chunk);
    return replay(stored, hash.digest());
  }

  const hashed = hashedBody(body, hash);
  let isFinished = false;
  const upload: Upload = {
    body: hashed.body,
    async finish(tx, reply) {
      const fingerprint = hashed.digest();
      // Another run may have taken a key whose lease could not be renewed; ours then leaves nothing.
      if (!(await endLease(tx, id, holder, { fingerprint, reply }))) throw inProgress();
      isFinished = true;
      return reply;
    },
  };
  const renewal = setInterval(
    () => {
      db.single((tx) => renewLease(tx, id, holder)).catch((error) =>
        log.warn({ err: error }, "the lease of an Idempotency-Key was not renewed"),
      );
    },
    (LEASE_SECONDS * 1000) / 3,
  );
  try {
    const reply = await run(upload);
    if (!isFinished) throw new Error("an upload ends with finish");
    return reply;
  } catch (error) {
    // When the commit's outcome is unknown this is still right: an answer that was committed has no holder any more.
    await db
      .single((tx) => releaseLease(tx, id, holder))
      .catch((cause) => log.warn({ err: cause }, "an Idempotency-Key stays taken until its lease ends"));
    throw error;
  } finally {
    clearInterval(renewal);
  }
}

/** The same bytes, hashed as they pass. */
function hashedBody(body: ReadableStream<Uint8Array>, hash: Hash) {
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
    digest(): Uint8Array {
      if (!hasEnded) throw new Error("an upload is finished after its body's end");
      return hash.digest();
    },
  };
}
