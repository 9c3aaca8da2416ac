// Wiring of accounts: mounts the routes, says who a bearer token is, keeps keys and ended sessions up to date.

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createAnswerAudit } from "../../kernel/audit/index.ts";
import { publicAddressOf } from "../../kernel/config/index.ts";
import type { MigrationSet, Sql, Tx } from "../../kernel/db/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import { createAccessTokens } from "./access-token.ts";
import { createRemoveIdentity } from "./actions/identities.ts";
import { createIssuerSignIn } from "./actions/issuer-sign-in.ts";
import type { EndSessions } from "./actions/passwords.ts";
import { createSessionEndings } from "./actions/session-endings.ts";
import { createSessionActions } from "./actions/sessions.ts";
import { createSignUp } from "./actions/sign-up.ts";
import { createAuthenticator } from "./authenticator.ts";
import { createCommonPasswords } from "./common-passwords.ts";
import { createEmailFlows } from "./email-flows.ts";
import { createEncryptedTokens } from "./encrypted-token.ts";
import { createEndedSessions } from "./ended-sessions.ts";
import { accountErrors } from "./errors.ts";
import { createHousekeeping } from "./housekeeping.ts";
import { accountRoutes } from "./http/account.ts";
import { accountAuditRoutes } from "./http/audit.ts";
import { deviceRoutes } from "./http/devices.ts";
import { identityRoutes } from "./http/identities.ts";
import { issuerRoutes } from "./http/issuers.ts";
import { pageRoutes } from "./http/pages.ts";
import { createRefreshCookies } from "./http/refresh-cookie.ts";
import { sessionRoutes } from "./http/sessions.ts";
import { connectIssuers } from "./issuers/index.ts";
import { createKnownDevices } from "./known-device.ts";
import { createLockout } from "./lockout.ts";
import { sessionLife, type User } from "./model.ts";
import { createPasswordCheck } from "./password-check.ts";
import { createPasswordHasher } from "./password-hash.ts";
import { createRefreshReceipts } from "./refresh-receipts.ts";
import { createRefreshTokens } from "./refresh-token.ts";
import { createSessionExpiry } from "./session-expiry.ts";
import { createSigningKeys, type Rotation } from "./signing-keys.ts";
import { isSessionAlive } from "./store/sessions.ts";
import { findUser, listNames, type UserName } from "./store/users.ts";

export interface Accounts {
  /** Calls `hear` in the transaction of every sign-up, before its end; what it throws undoes the sign-up. Call it while wiring. */
  onSignUp(hear: (tx: Tx, user: User) => Promise<void>): void;
  /** Throws USER_NOT_FOUND. */
  getUser(sql: Sql, id: string): Promise<User>;
  /** What users are called; those that are not there are left out. */
  listNames(sql: Sql, ids: readonly string[]): Promise<readonly UserName[]>;
  /** Calls `hear` with sessions that have ended, in whichever process, within a second. Call it while wiring. */
  onSessionsEnded(hear: (sessionIds: ReadonlySet<string>) => void): void;
  /** Asks the database, for what stands for a session and was not checked at its end. */
  isSessionAlive(sql: Sql, sessionId: string, userId: string): Promise<boolean>;
  /** Makes the next signing key before its time, for the command. */
  rotateSigningKey(): Promise<Rotation>;
  /** The user who has shown that this address is his; undefined when nobody has, also for what is no address. */
  findVerifiedByEmail(sql: Sql, email: string): Promise<User | undefined>;
  /** Calls `hear` in the transaction in which a user's address becomes verified; what it throws undoes that. Call it while wiring. */
  onEmailVerified(hear: (tx: Tx, user: User) => Promise<void>): void;
  /** Ends the sessions of a user, all but `except`: their tokens are dead everywhere within a second of the commit. */
  readonly endSessions: EndSessions;
}

export type AccountsKernel = Pick<
  Kernel,
  "config" | "clock" | "log" | "db" | "secrets" | "bus" | "http" | "lifecycle" | "jobs" | "mail" | "audit"
>;

export const accountsMigrations: MigrationSet = {
  module: "accounts",
  directory: join(import.meta.dirname, "migrations"),
};

/** Without PUBLIC_URL a name: processes on one database must accept each other's tokens, whatever port they listen on. */
const DEFAULT_ISSUER = "stoa";
/** Sign-ups and log-ins that may wait: a second or two of hashing. */
const MAX_WAITING_HASHES = 100;

export function createAccounts(kernel: AccountsKernel): Accounts {
  const { config, clock, log, db, secrets, bus, http, audit, mail, lifecycle } = kernel;
  const accessTokenSeconds = config.accessTokenMinutes * 60;
  const life = sessionLife(config.refreshTokenDays);
  const hearers: ((tx: Tx, user: User) => Promise<void>)[] = [];

  const keys = createSigningKeys({ db, secrets, audit, rotationDays: config.signingKeyRotationDays });
  const ended = createEndedSessions({ db, bus, clock, log, tokenSeconds: accessTokenSeconds });
  lifecycle.add(createHousekeeping({ db, log, keys, life }));
  lifecycle.add(ended);
  lifecycle.add(createSessionExpiry({ db, log, ended, life }));
  const receipts = createRefreshReceipts({ db, log });
  lifecycle.add(receipts);
  const endings = createSessionEndings(ended);
  const cookies = createRefreshCookies({ ...config, idleDays: life.idleDays });

  const issuer = config.publicUrl ?? DEFAULT_ISSUER;
  const signedTokens = createAccessTokens({ issuer, lifeSeconds: accessTokenSeconds, keys });
  const deriveKey = (id: string) => secrets.derive(`access token encryption ${id}`);
  const accessTokens =
    config.accessTokenEncryption === "jwe"
      ? createEncryptedTokens({ signed: signedTokens, deriveKey, keys })
      : signedTokens;
  const refreshTokens = createRefreshTokens(secrets.derive("refresh token"));
  // One core is left to requests.
  const concurrency = Math.max(1, availableParallelism() - 1);
  const hasher = createPasswordHasher({ concurrency, maxWaiting: MAX_WAITING_HASHES });
  const { isHttps: isSecure } = publicAddressOf(config);
  const deviceKey = secrets.derive("known device");
  const devices = createKnownDevices({ key: deviceKey, isSecure, nowMs: () => clock.now() });
  const lockout = createLockout({
    db,
    log,
    audit,
    devices,
    tellDisabled: (tx, userId) => email.tellDisabled(tx, userId),
    key: secrets.derive("login identifier"),
    firstWaitSeconds: config.loginWaitSeconds,
  });
  const { passwordMinLength } = config;
  const commonPasswords = createCommonPasswords(passwordMinLength);
  const checkPassword = createPasswordCheck({ commonPasswords, passwordMinLength });
  const signUp = createSignUp({ db, audit, hasher, checkPassword, hearers });

  const email = createEmailFlows({ kernel, hasher, lockout, checkPassword, endings });
  hearers.push(email.sendVerification);
  const actions = createSessionActions({
    db,
    clock,
    log,
    audit,
    mail,
    hasher,
    lockout,
    accessTokens,
    refreshTokens,
    receipts,
    endings,
    life,
    newDevices: email.newDevices,
  });

  const connected = connectIssuers({ config, clock, secrets });
  const { noteVerified } = email;
  const signIn = createIssuerSignIn({
    db,
    log,
    audit,
    ...connected,
    sessions: actions,
    noteVerified,
    hearers,
  });
  const removeIdentity = createRemoveIdentity({ db, audit });

  async function getUser(sql: Sql, id: string): Promise<User> {
    const user = await findUser(sql, id);
    if (!user) throw accountErrors.USER_NOT_FOUND();
    return user;
  }

  http.useAuthenticator(createAuthenticator({ db, clock, tokens: accessTokens, ended }));
  http.mount([
    ...accountRoutes({ signUp, getUser: (id) => getUser(db.sql, id), listPublicKeys: keys.listPublic }),
    ...issuerRoutes({ signIn, cookies, accessTokenSeconds }),
    ...identityRoutes({ db, removeIdentity }),
    ...email.routes,
    ...(config.authPagesUrl === undefined ? pageRoutes() : []),
    ...accountAuditRoutes({ db, answer: createAnswerAudit(audit) }),
    ...sessionRoutes({ actions, devices, cookies, accessTokenSeconds }),
    ...deviceRoutes({ db, actions, cookies, life }),
  ]);

  return {
    onSignUp: (hear) => void hearers.push(hear),
    getUser,
    listNames,
    onSessionsEnded: ended.onEnded,
    isSessionAlive,
    rotateSigningKey: keys.rotate,
    findVerifiedByEmail: email.findVerifiedByEmail,
    onEmailVerified: email.onEmailVerified,
    endSessions: email.endSessions,
  };
}
