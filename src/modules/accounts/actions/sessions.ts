// Signing in and out: a session begins with a password, goes on by refresh tokens, and ends for every process at once.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Database, Tx } from "../../../kernel/db/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Logger } from "../../../kernel/telemetry/index.ts";
import type { AccessTokens } from "../access-token.ts";
import { logInFailed, logInSucceeded, sessionEnded } from "../audit-trail.ts";
import { parseEmail } from "../email.ts";
import type { EndedSessions } from "../ended-sessions.ts";
import { accountErrors } from "../errors.ts";
import type { Lockout } from "../lockout.ts";
import type { EndReason, SessionLife } from "../model.ts";
import { normalisePassword } from "../password.ts";
import type { PasswordHasher } from "../password-hash.ts";
import type { RefreshClaim, RefreshTokens } from "../refresh-token.ts";
import * as store from "../store/sessions.ts";
import { holdPassword } from "../store/user-secrets.ts";
import { findCredentials, replacePasswordHash } from "../store/users.ts";
import type { NoticeDevice } from "./devices.ts";

export interface SessionActionDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: Pick<Audit, "record" | "recordLater">;
  readonly hasher: PasswordHasher;
  readonly lockout: Lockout;
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly ended: Pick<EndedSessions, "announce">;
  readonly life: SessionLife;
  readonly noticeDevice: NoticeDevice;
}

export interface TokenPair {
  readonly userId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

export interface Device {
  readonly userAgent: string | null;
  readonly address: string;
  /** Its Cookie header. */
  readonly cookies?: string | null;
}

interface SessionRef {
  readonly id: string;
  readonly userId: string;
}

export type SessionActions = ReturnType<typeof createSessionActions>;

export function createSessionActions(deps: SessionActionDeps) {
  const { db, clock, log, audit, hasher, lockout, accessTokens, refreshTokens, ended, life, noticeDevice } =
    deps;

  async function tokensOf(session: SessionRef, counter: number): Promise<TokenPair> {
    const { id: sessionId, userId } = session;
    return {
      userId,
      accessToken: await accessTokens.sign({ userId, sessionId }, clock.now()),
      refreshToken: refreshTokens.make({ sessionId, counter }),
    };
  }

  function end(session: SessionRef, reason: EndReason, address: string): Promise<boolean> {
    return db.transaction(async (tx) => {
      const isEnded = await store.endSession(tx, session, reason);
      if (!isEnded) return false;
      await audit.record(tx, sessionEnded(session, reason, address));
      tx.afterCommit(() => ended.announce(session.id));
      return true;
    });
  }

  /** A token that is not the one that counts: of a parallel request, of a thief or a victim, or of a session that is over. */
  async function refreshLate(claim: RefreshClaim, address: string): Promise<TokenPair> {
    const found = await store.findRotationState(db.sql, claim.sessionId, life);
    if (!found?.isAlive) throw accountErrors.INVALID_REFRESH_TOKEN();
    const session = { id: claim.sessionId, userId: found.userId };
    if (found.isJustRotated && claim.counter === found.counter - 1) return tokensOf(session, found.counter);
    // A counter ahead of ours is of a database that was set back to a backup: no one has stolen anything.
    if (claim.counter < found.counter) {
      await end(session, "reuse", address);
      log.warn(
        { session_id: session.id, user_id: session.userId },
        "a used refresh token was shown: session ended",
      );
    }
    throw accountErrors.INVALID_REFRESH_TOKEN();
  }

  return {
    /** One answer, and one time, for an unknown address and for a wrong password. */
    async logIn(input: { email: string; password: string }, device: Device): Promise<TokenPair> {
      const key = parseEmail(input.email)?.key;
      const credentials = key === undefined ? undefined : await findCredentials(db.sql, key);
      const password = normalisePassword(input.password);
      const { isRight, isOutdated } = await lockout.guard(
        {
          identifier: key ?? input.email,
          userId: credentials?.userId,
          address: device.address,
          cookies: device.cookies ?? null,
        },
        () => hasher.verify(credentials?.passwordHash, password),
      );
      if (credentials && !isRight) audit.recordLater(logInFailed(credentials.userId, device.address));
      if (!credentials || !isRight) throw accountErrors.INVALID_CREDENTIALS();
      const { userId, passwordHash, passwordVersion } = credentials;
      if (isOutdated) {
        const to = await hasher.hash(password);
        await db.single((tx) => replacePasswordHash(tx, userId, { from: passwordHash, to }));
      }
      const session = { id: newId(), userId };
      await db.transaction(async (tx) => {
        if (!(await holdPassword(tx, userId, passwordVersion))) throw accountErrors.INVALID_CREDENTIALS();
        await store.insertSession(tx, { ...session, ...device });
        await noticeDevice(tx, userId, device);
        await audit.record(tx, logInSucceeded(session, device.address));
      });
      return tokensOf(session, 0);
    },

    /** For who has shown in another way who he is. */
    async startSession(
      tx: Tx,
      userId: string,
      device: Device,
    ): Promise<{ readonly sessionId: string; readonly tokens: TokenPair }> {
      const session = { id: newId(), userId };
      await store.insertSession(tx, { ...session, ...device });
      await noticeDevice(tx, userId, device);
      return { sessionId: session.id, tokens: await tokensOf(session, 0) };
    },

    async refresh(token: string, address: string): Promise<TokenPair> {
      const claim = refreshTokens.read(token);
      if (!claim) throw accountErrors.INVALID_REFRESH_TOKEN();
      const rotated = await db.single((tx) => store.rotateSession(tx, claim, life));
      if (!rotated) return refreshLate(claim, address);
      return tokensOf({ id: claim.sessionId, userId: rotated.userId }, claim.counter + 1);
    },

    /** Safe to repeat. */
    async logOut(session: SessionRef, address: string): Promise<void> {
      await end(session, "logout", address);
    },

    /** Signs another device of the same user out. */
    async removeSession(session: SessionRef, address: string): Promise<void> {
      const isEnded = await end(session, "removed", address);
      if (!isEnded) throw accountErrors.SESSION_NOT_FOUND();
    },
  };
}
