// Signing in and out: a session begins with a password, goes on by refresh tokens, and ends for every process at once.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Database } from "../../../kernel/db/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Mailer } from "../../../kernel/mail/index.ts";
import type { Logger } from "../../../kernel/telemetry/index.ts";
import type { AccessTokens } from "../access-token.ts";
import { parseEmail } from "../email.ts";
import { accountErrors } from "../errors.ts";
import type { SessionLife } from "../model.ts";
import { normalisePassword } from "../password.ts";
import type { PasswordHasher } from "../password-hash.ts";
import type { RefreshReceipts } from "../refresh-receipts.ts";
import type { RefreshClaim, RefreshTokens } from "../refresh-token.ts";
import * as store from "../store/sessions.ts";
import { findCredentials, replacePasswordHash } from "../store/users.ts";
import { createLateRefresh } from "./late-refresh.ts";
import type { SessionEndings, SessionRef } from "./session-endings.ts";

export interface SessionActionDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: Audit;
  readonly mail: Mailer;
  readonly hasher: PasswordHasher;
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly receipts: Pick<RefreshReceipts, "add">;
  readonly endings: SessionEndings;
  readonly life: SessionLife;
}

export interface TokenPair {
  readonly userId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

export interface Device {
  readonly userAgent: string | null;
  readonly address: string;
}

/** Where a refresh comes from. */
export interface RefreshSource {
  readonly address: string;
  /** Aborted when the client goes before it has the answer. */
  readonly signal: AbortSignal;
}

export type SessionActions = ReturnType<typeof createSessionActions>;

export function createSessionActions(deps: SessionActionDeps) {
  const { db, clock, hasher, accessTokens, refreshTokens, receipts, endings, life } = deps;

  function tokensOf(session: SessionRef, counter: number): TokenPair {
    const { id: sessionId, userId } = session;
    return {
      userId,
      accessToken: accessTokens.sign({ userId, sessionId }, clock.now()),
      refreshToken: refreshTokens.make({ sessionId, counter }),
    };
  }

  const refreshLate = createLateRefresh(deps);

  async function rotate(claim: RefreshClaim, address: string): Promise<{ userId: string; counter: number }> {
    const rotated = await db.single((tx) => store.rotateSession(tx, claim, life));
    return rotated ? { ...rotated, counter: claim.counter + 1 } : refreshLate(claim, address);
  }

  return {
    /** One answer, and one time, for an unknown address and for a wrong password. */
    async logIn(input: { email: string; password: string }, device: Device): Promise<TokenPair> {
      const key = parseEmail(input.email)?.key;
      const credentials = key === undefined ? undefined : await findCredentials(db.sql, key);
      const password = normalisePassword(input.password);
      const { isRight, isOutdated } = await hasher.verify(credentials?.passwordHash, password);
      if (!credentials || !isRight) throw accountErrors.INVALID_CREDENTIALS();
      const { userId, passwordHash } = credentials;
      if (isOutdated) {
        const to = await hasher.hash(password);
        await db.single((tx) => replacePasswordHash(tx, userId, { from: passwordHash, to }));
      }
      const session = { id: newId(), userId };
      await db.single((tx) => store.insertSession(tx, { ...session, ...device }));
      return tokensOf(session, 0);
    },

    async refresh(token: string, { address, signal }: RefreshSource): Promise<TokenPair> {
      const claim = refreshTokens.read(token);
      if (!claim) throw accountErrors.INVALID_REFRESH_TOKEN();
      const { userId, counter } = await rotate(claim, address);
      receipts.add({ sessionId: claim.sessionId, counter }, signal);
      return tokensOf({ id: claim.sessionId, userId }, counter);
    },

    /** Safe to repeat. */
    async logOut(session: SessionRef): Promise<void> {
      await db.single((tx) => endings.endSession(tx, session, "logout"));
    },

    /** Signs another device of the same user out. */
    async removeSession(session: SessionRef): Promise<void> {
      const isEnded = await db.single((tx) => endings.endSession(tx, session, "removed"));
      if (!isEnded) throw accountErrors.SESSION_NOT_FOUND();
    },

    /** Signs all other devices of the user out, or all. Safe to repeat. */
    async removeSessions(session: SessionRef, includesCurrent: boolean): Promise<void> {
      const except = includesCurrent ? undefined : session.id;
      await db.single((tx) => endings.endSessions(tx, session.userId, { except, reason: "removed" }));
    },
  };
}
