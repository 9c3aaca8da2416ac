// Guessing passwords: who has failed too often waits, and nobody can make others wait who are known. Every check of a password at
// sign-in goes through here (ASVS 6.1.1, NIST SP 800-63B-4 section 3.2.2).
import { createHmac } from "node:crypto";
import type { Audit } from "../../kernel/audit/index.ts";
import type { Database, Tx } from "../../kernel/db/index.ts";
import { networkOf } from "../../kernel/limits/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { accountErrors } from "./errors.ts";
import type { KnownDevices } from "./known-device.ts";
import { type Attempt, type Begun, beginAttempt, takeBackAttempt } from "./store/attempts.ts";

export interface LoginTry {
  /** What was given as the address of the account, in the spelling in which it counts as one. */
  readonly identifier: string;
  /** Undefined when there is no such account. */
  readonly userId: string | undefined;
  readonly address: string;
  /** The Cookie header. */
  readonly cookies: string | null;
}

export interface PasswordCheck {
  readonly isRight: boolean;
  readonly isOutdated: boolean;
}

export interface Lockout {
  /**
   * Runs the check unless it has to wait. It counts as a failure from before it begins: of many at one moment none slips past.
   * A disabled password is never right, and takes as long. Throws LOGIN_LOCKED; what the check throws is not counted. `onRight`
   * writes what a right password opens, and in the same transaction that this attempt was no failure.
   */
  guard(
    attempt: LoginTry,
    check: () => Promise<PasswordCheck>,
    onRight?: (attempt: Attempt) => Promise<void>,
  ): Promise<PasswordCheck>;
}

export interface LockoutDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly audit: Pick<Audit, "record">;
  readonly devices: Pick<KnownDevices, "find">;
  /** Writes to the owner of a password that was disabled. */
  readonly tellDisabled: (tx: Tx, userId: string) => Promise<void>;
  /** 32 bytes for this purpose alone: what was given for an address may be a password typed into the wrong field. */
  readonly key: Uint8Array;
  /** 0: nobody waits. */
  readonly firstWaitSeconds: number;
}

/** The most that NIST SP 800-63B-4 section 3.2.2 allows. */
const MAX_IN_ROW = 100;

export function createLockout(deps: LockoutDeps): Lockout {
  const { db, log, audit, devices, tellDisabled, key, firstWaitSeconds } = deps;

  function toAttempt({ identifier, userId, address, cookies }: LoginTry): Attempt {
    const device = devices.find(cookies, userId);
    const network = networkOf(address);
    return {
      identity: userId ?? createHmac("sha256", key).update(identifier.toLowerCase()).digest("hex"),
      isAccount: userId !== undefined,
      address: network,
      source: device === undefined ? network : `device ${device}`,
      isKnownDevice: device !== undefined,
    };
  }

  /** One entry where a row of failures becomes an attack, not one a failure: those are in the access log. */
  async function record(attempt: Attempt, { inRow, isLock }: Begun, address: string): Promise<void> {
    const isDisabled = attempt.isAccount && inRow === MAX_IN_ROW;
    if (!isLock && !isDisabled) return;
    const entry = { projectId: null, actorId: null, subject: attempt.identity, address };
    const data = { failures_in_row: inRow, is_account: attempt.isAccount };
    await db.transaction(async (tx) => {
      if (isLock) await audit.record(tx, { ...entry, action: "login.locked", data });
      if (!isDisabled) return;
      await audit.record(tx, { ...entry, action: "password.disabled", data });
      await tellDisabled(tx, attempt.identity);
    });
  }

  return {
    async guard(given, check, onRight) {
      const attempt = toAttempt(given);
      const begun = await db.single((tx) => beginAttempt(tx, attempt, firstWaitSeconds));
      if (begun.waitSeconds > 0) throw accountErrors.LOGIN_LOCKED({ retryAfterSeconds: begun.waitSeconds });
      let result: PasswordCheck;
      try {
        result = await check();
      } catch (error) {
        await db
          .single((tx) => takeBackAttempt(tx, attempt, false))
          .catch((reason) => log.warn({ err: reason }, "an attempt that was not checked stays counted"));
        throw error;
      }
      if (result.isRight && begun.inRow <= MAX_IN_ROW) {
        if (onRight) await onRight(attempt);
        else await db.single((tx) => takeBackAttempt(tx, attempt, true));
        return result;
      }
      await record(attempt, begun, given.address);
      return { isRight: false, isOutdated: false };
    },
  };
}
