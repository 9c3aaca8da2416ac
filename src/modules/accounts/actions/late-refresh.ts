// A refresh token that is not the one that counts: of a parallel request, of a thief or a victim, or of a session that is over.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Database, Tx } from "../../../kernel/db/index.ts";
import type { Mailer } from "../../../kernel/mail/index.ts";
import type { Logger } from "../../../kernel/telemetry/index.ts";
import { sessionEnded } from "../audit-trail.ts";
import { accountErrors } from "../errors.ts";
import type { SessionLife } from "../model.ts";
import type { RefreshClaim } from "../refresh-token.ts";
import { judgeLate, type RotationState } from "../rotation.ts";
import { reuseMail } from "../session-mails.ts";
import { lockRotationState } from "../store/rotation.ts";
import { findUser } from "../store/users.ts";
import type { SessionEndings } from "./session-endings.ts";

export interface LateRefreshDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly audit: Pick<Audit, "record">;
  readonly mail: Mailer;
  readonly endings: SessionEndings;
  readonly life: SessionLife;
}

export type LateRefresh = (
  claim: RefreshClaim,
  address: string,
) => Promise<{ userId: string; counter: number }>;

/** Gives the successor that the token had already, or refuses; of a reuse the session's end is part of the same transaction. */
export function createLateRefresh({ db, log, audit, mail, endings, life }: LateRefreshDeps): LateRefresh {
  async function endReused(tx: Tx, sessionId: string, state: RotationState, address: string): Promise<void> {
    const { userId, now } = state;
    const user = await findUser(tx, userId);
    if (user) await mail.send(tx, reuseMail({ email: user.email, session: state, address, at: now }));
    // Nobody knows whether the owner has shown it or a thief: no actor.
    await audit.record(tx, sessionEnded({ id: sessionId, userId }, "reuse", address));
    // Last: it locks the head of the log of endings until the commit.
    await endings.endSession(tx, { id: sessionId, userId }, "reuse");
    tx.afterCommit(() =>
      log.warn({ session_id: sessionId, user_id: userId }, "a used refresh token was shown: session ended"),
    );
  }

  return async ({ sessionId, counter }, address) => {
    const successor = await db.transaction(async (tx) => {
      const state = await lockRotationState(tx, sessionId, life);
      const verdict = judgeLate(state, counter);
      if (state && verdict === "reuse") await endReused(tx, sessionId, state, address);
      return state && verdict === "same successor" ? state : undefined;
    });
    // Outside: a refusal thrown within would undo the session's end.
    if (!successor) throw accountErrors.INVALID_REFRESH_TOKEN();
    return { userId: successor.userId, counter: successor.counter };
  };
}
