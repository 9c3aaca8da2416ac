// Ending sessions in somebody's transaction, and telling every process after its commit.
import type { Tx } from "../../../kernel/db/index.ts";
import type { EndedSessions } from "../ended-sessions.ts";
import type { EndReason } from "../model.ts";
import * as store from "../store/sessions.ts";

export interface SessionRef {
  readonly id: string;
  readonly userId: string;
}

export interface SessionEndings {
  /** False when it is none of the user's, or has ended before. */
  endSession(tx: Tx, session: SessionRef, reason: EndReason): Promise<boolean>;
  /** All of the user's but one; returns how many. */
  endSessions(
    tx: Tx,
    userId: string,
    options: { except?: string | undefined; reason: EndReason },
  ): Promise<number>;
}

export function createSessionEndings(ended: Pick<EndedSessions, "announce">): SessionEndings {
  return {
    async endSession(tx, session, reason) {
      const isEnded = await store.endSession(tx, session, reason);
      if (isEnded) tx.afterCommit(() => ended.announce(session.id));
      return isEnded;
    },
    async endSessions(tx, userId, options) {
      const sessionIds = await store.endSessions(tx, userId, options);
      if (sessionIds.length > 0) tx.afterCommit(() => ended.announce(...sessionIds));
      return sessionIds.length;
    },
  };
}
