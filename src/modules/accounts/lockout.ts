// Guessing passwords: who has failed too often waits, and nobody can make others wait who are known. Every check of a password at
// sign-in goes through here (ASVS 6.1.1, NIST SP 800-63B-4 section 3.2.2).
import { createHmac } from "node:crypto";
import type { Audit } from "../../kernel/audit/index.ts";
import type { Database, Tx } from "../../kernel/db/index.ts";
import { networkOf } from "../../kernel/limits/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { accountErrors } from "./errors.ts";
import type { KnownDevices } from "./known-device.ts";
import {
  type Attempt,
  type Begun,
  beginAttempt,
  beginUnknownAttempt,
  takeBackAttempt,
} from "./store/attempts.ts";
import { type Credentials, findCredentials } from "./store/users.ts";

/** By who has signed in before. */
export interface ConfirmTry {
  readonly userId: string;
  readonly address: string;
}

export interface LogInTry {
  /** What was given as the address of the account. */
  readonly identifier: string;
  /** The spelling in which it counts as one; undefined when it is none. */
  readonly emailKey: string | undefined;
  readonly address: string;
  /** The Cookie header. */
  readonly cookies: string | null;
  /** Fingerprint of the device. */
  readonly device: Uint8Array;
}

export interface PasswordCheck {
  readonly isRight: boolean;
  readonly isOutdated: boolean;
}

export interface Lockout {
  /**
   * Runs the check unless it has to wait. It counts as a failure from before it begins: of many at one moment none slips past.
   * A disabled password is never right, and takes as long. Throws LOGIN_LOCKED; what the check throws is not counted.
   */
  guard(attempt: ConfirmTry, check: () => Promise<PasswordCheck>): Promise<PasswordCheck>;
  /**
   * The same at a log-in, whose account it finds. `onRight` writes what a right password opens, and in the same transaction that
   * this attempt was no failure.
   */
  guardLogIn(
    attempt: LogInTry,
    check: (credentials: Credentials | undefined) => Promise<PasswordCheck>,
    onRight: (credentials: Credentials, attempt: Attempt) => Promise<void>,
  ): Promise<PasswordCheck & { readonly credentials: Credentials | undefined }>;
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

  const hash = (identifier: string) =>
    createHmac("sha256", key).update(identifier.toLowerCase()).digest("hex");

  function toAttempt(
    userId: string | undefined,
    given: Pick<LogInTry, "identifier" | "address" | "cookies">,
  ): Attempt {
    const device = devices.find(given.cookies, userId);
    const address = networkOf(given.address);
    return {
      identity: userId ?? hash(given.identifier),
      isAccount: userId !== undefined,
      address,
      source: device === undefined ? address : `device ${device}`,
      isKnownDevice: device !== undefined,
    };
  }

  interface Started {
    readonly credentials: Credentials | undefined;
    readonly attempt: Attempt;
    readonly begun: Begun;
  }

  async function begin({ emailKey, ...given }: LogInTry): Promise<Started> {
    const { device } = given;
    // Whose device it is can be told from its cookie when the account is known, and not before.
    if (given.cookies !== null) {
      const credentials =
        emailKey === undefined ? undefined : await findCredentials(db.sql, emailKey, device);
      const attempt = toAttempt(credentials?.userId, given);
      return {
        credentials,
        attempt,
        begun: await db.single((tx) => beginAttempt(tx, attempt, firstWaitSeconds)),
      };
    }
    const identity = hash(given.identifier);
    const address = networkOf(given.address);
    const unknown = { emailKey: emailKey ?? null, identity, address, device };
    const { credentials, begun } = await db.single((tx) =>
      beginUnknownAttempt(tx, unknown, firstWaitSeconds),
    );
    return { credentials, attempt: toAttempt(credentials?.userId, given), begun };
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

  async function finish(
    { attempt, begun }: Omit<Started, "credentials">,
    address: string,
    check: () => Promise<PasswordCheck>,
    onRight: () => Promise<void>,
  ): Promise<PasswordCheck> {
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
      await onRight();
      return result;
    }
    await record(attempt, begun, address);
    return { isRight: false, isOutdated: false };
  }

  return {
    async guard({ userId, address }, check) {
      const attempt = toAttempt(userId, { identifier: userId, address, cookies: null });
      const begun = await db.single((tx) => beginAttempt(tx, attempt, firstWaitSeconds));
      return finish({ attempt, begun }, address, check, () =>
        db.single((tx) => takeBackAttempt(tx, attempt, true)),
      );
    },
    async guardLogIn(given, check, onRight) {
      const started = await begin(given);
      const { credentials, attempt } = started;
      const result = await finish(
        started,
        given.address,
        () => check(credentials),
        async () => {
          if (credentials) await onRight(credentials, attempt);
        },
      );
      return { ...result, credentials };
    },
  };
}
