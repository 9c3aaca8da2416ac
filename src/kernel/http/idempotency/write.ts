// A write with an Idempotency-Key: key, facts and answer in one transaction, so that a crash leaves all of them or none.
import type { Database, Tx } from "../../db/index.ts";
import type { Reply } from "../route.ts";
import { fingerprintOf, type Idempotent, identify } from "./key.ts";
import { inProgress, replay } from "./replay.ts";
import { findKey, lockKey, storeAnswer } from "./store.ts";

interface KeyedWrite {
  readonly db: Database;
  readonly idempotent: Idempotent;
  readonly body: unknown;
}

/**
 * Runs `run` once per key. Only what was committed is kept: a refusal leaves no trace, and asking again asks anew. The lock
 * ends with the transaction, so a key can neither be run twice at a time nor stay taken after a crash.
 */
export function keyedWrite(
  { db, idempotent, body }: KeyedWrite,
  run: (tx: Tx) => Promise<Reply>,
): Promise<Reply> {
  const { id, lock } = identify(idempotent);
  const fingerprint = fingerprintOf(idempotent, body);
  return db.transaction(async (tx) => {
    // Two statements, sent together: the second takes its snapshot when the lock is ours, so that it sees what the holder
    // before us has committed. As one statement it could miss that.
    const [isTaken, stored] = await Promise.all([lockKey(tx, lock), findKey(tx, id)]);
    if (!isTaken) throw inProgress();
    if (stored) return replay(stored, fingerprint);
    const reply = await run(tx);
    await storeAnswer(tx, id, fingerprint, reply);
    return reply;
  });
}
