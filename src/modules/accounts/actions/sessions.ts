// Signing in and out: a session begins with a password, goes on by refresh tokens, and ends for every process at once.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Database, Tx } from "../../../kernel/db/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Mailer } from "../../../kernel/mail/index.ts";
import type { Logger } from "../../../kernel/telemetry/index.ts";
import type { AccessTokens } from "../access-token.ts";
import { logInFailed, logInSucceeded, sessionEnded, sessionsEnded } from "../audit-trail.ts";
import { fingerprint } from "../device.ts";
import { parseEmail } from "../email.ts";
import { accountErrors } from "../errors.ts";
import type { Lockout } from "../lockout.ts";
import type { EndReason, SessionLife } from "../model.ts";
import { normalisePassword } from "../password.ts";
import type { PasswordHasher } from "../password-hash.ts";
import type { RefreshReceipts } from "../refresh-receipts.ts";
import type { RefreshClaim, RefreshTokens } from "../refresh-token.ts";
import * as store from "../store/sessions.ts";
import { replacePasswordHash } from "../store/users.ts";
import type { NewDevices } from "./devices.ts";
import { createLateRefresh } from "./late-refresh.ts";
import type { SessionEndings, SessionRef } from "./session-endings.ts";

export interface SessionActionDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: Pick<Audit, "record" | "recordWhere" | "recordLater">;
  readonly mail: Mailer;
  readonly hasher: PasswordHasher;
  readonly lockout: Lockout;
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly receipts: Pick<RefreshReceipts, "add">;
  readonly endings: SessionEndings;
  readonly life: SessionLife;
  readonly newDevices: NewDevices;
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

/** Where a refresh comes from. */
export interface RefreshSource {
  readonly address: string;
  /** Aborted when the client goes before it has the answer. */
  readonly signal: AbortSignal;
}

export type SessionActions = ReturnType<typeof createSessionActions>;

export function createSessionActions(deps: SessionActionDeps) {
  const {
    db,
    clock,
    audit,
    hasher,
    lockout,
    accessTokens,
    refreshTokens,
    receipts,
    endings,
    life,
    newDevices,
  } = deps;

  async function tokensOf(session: SessionRef, counter: number): Promise<TokenPair> {
    const { id: sessionId, userId } = session;
    return {
      userId,
      accessToken: await accessTokens.sign({ userId, sessionId }, clock.now()),
      refreshToken: refreshTokens.make({ sessionId, counter }),
    };
  }

  async function end(session: SessionRef, reason: EndReason, address: string): Promise<boolean> {
    return db.transaction(async (tx) => {
      const isEnded = await endings.endSession(tx, session, reason);
      if (isEnded) await audit.record(tx, sessionEnded(session, reason, address));
      return isEnded;
    });
  }

  /** Begins the session of a log-in. One statement is enough where nobody needs to be told of the device. */
  async function begin(logIn: store.LogIn, device: Device, isKnownDevice: boolean): Promise<void> {
    const { session } = logIn;
    const entry = logInSucceeded(session, session.address);
    const run = isKnownDevice ? db.single : db.transaction;
    await run(async (tx) => {
      const begun = await store.beginSession(tx, logIn, (where) => audit.recordWhere(tx, entry, where));
      if (!begun) throw accountErrors.INVALID_CREDENTIALS();
      if (begun.isFurtherDevice) await newDevices.tell(tx, session.userId, device);
    });
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
      const mark = fingerprint(device);
      const password = normalisePassword(input.password);
      const sessionId = newId();
      let tokens: Promise<TokenPair> | undefined;
      const { credentials, isRight, isOutdated } = await lockout.guardLogIn(
        {
          identifier: key ?? input.email,
          emailKey: key,
          address: device.address,
          cookies: device.cookies ?? null,
          device: mark,
        },
        (found) => {
          const checking = hasher.verify(found?.passwordHash, password);
          // While another thread checks; nobody is given them before. Where there is no account as much is done for none.
          tokens = tokensOf({ id: sessionId, userId: found?.userId ?? newId() }, 0);
          tokens.catch(() => {});
          return checking;
        },
        async ({ userId, passwordVersion, isKnownDevice }, attempt) => {
          const session = { id: sessionId, userId, ...device };
          await begin({ session, passwordVersion, device: mark, attempt }, device, isKnownDevice);
        },
      );
      if (credentials && !isRight) audit.recordLater(logInFailed(credentials.userId, device.address));
      if (!credentials || !isRight || !tokens) throw accountErrors.INVALID_CREDENTIALS();
      if (isOutdated) {
        const { userId, passwordHash: from } = credentials;
        const to = await hasher.hash(password);
        await db.single((tx) => replacePasswordHash(tx, userId, { from, to }));
      }
      return tokens;
    },

    /** For who has shown in another way who he is. */
    async startSession(
      tx: Tx,
      userId: string,
      device: Device,
    ): Promise<{ readonly sessionId: string; readonly tokens: TokenPair }> {
      const session = { id: newId(), userId };
      await store.insertSession(tx, { ...session, ...device });
      await newDevices.notice(tx, userId, device);
      return { sessionId: session.id, tokens: await tokensOf(session, 0) };
    },

    async refresh(token: string, { address, signal }: RefreshSource): Promise<TokenPair> {
      const claim = refreshTokens.read(token);
      if (!claim) throw accountErrors.INVALID_REFRESH_TOKEN();
      const { userId, counter } = await rotate(claim, address);
      receipts.add({ sessionId: claim.sessionId, counter }, signal);
      return tokensOf({ id: claim.sessionId, userId }, counter);
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

    /** Signs all other devices of the user out, or all. Safe to repeat. */
    async removeSessions(session: SessionRef, includesCurrent: boolean, address: string): Promise<void> {
      const except = includesCurrent ? undefined : session.id;
      const { userId } = session;
      await db.transaction(async (tx) => {
        const count = await endings.endSessions(tx, userId, { except, reason: "removed" });
        if (count > 0) await audit.record(tx, sessionsEnded(userId, count, address));
      });
    },
  };
}
