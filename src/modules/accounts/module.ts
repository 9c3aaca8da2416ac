// Wiring of accounts: mounts the routes, says who a bearer token is, keeps keys and ended sessions up to date.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { MigrationSet, Sql, Tx } from "../../kernel/db/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import { createAccessTokens } from "./access-token.ts";
import { createSessionEndings } from "./actions/session-endings.ts";
import { createSessionActions } from "./actions/sessions.ts";
import { createSignUp } from "./actions/sign-up.ts";
import { createAuthenticator } from "./authenticator.ts";
import { createCommonPasswords } from "./common-passwords.ts";
import { createEndedSessions } from "./ended-sessions.ts";
import { accountErrors } from "./errors.ts";
import { createHousekeeping } from "./housekeeping.ts";
import { accountRoutes } from "./http/account.ts";
import { deviceRoutes } from "./http/devices.ts";
import { createRefreshCookies } from "./http/refresh-cookie.ts";
import { sessionRoutes } from "./http/sessions.ts";
import { sessionLife, type User } from "./model.ts";
import { createPasswordHasher } from "./password-hash.ts";
import { createRefreshReceipts } from "./refresh-receipts.ts";
import { createRefreshTokens } from "./refresh-token.ts";
import { createSessionExpiry } from "./session-expiry.ts";
import { createSigningKeys } from "./signing-keys.ts";
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
}

export type AccountsKernel = Pick<
  Kernel,
  "config" | "clock" | "log" | "db" | "secrets" | "bus" | "http" | "lifecycle" | "audit" | "mail"
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
  const { config, clock, log, db, secrets, bus, http, lifecycle, audit, mail } = kernel;
  const accessTokenSeconds = config.accessTokenMinutes * 60;
  const life = sessionLife(config.refreshTokenDays);
  const hearers: ((tx: Tx, user: User) => Promise<void>)[] = [];

  const keys = createSigningKeys(db, secrets);
  const ended = createEndedSessions({ db, bus, clock, log, tokenSeconds: accessTokenSeconds });
  lifecycle.add(createHousekeeping({ db, log, keys, life }));
  lifecycle.add(ended);
  lifecycle.add(createSessionExpiry({ db, log, ended, life }));
  const receipts = createRefreshReceipts({ db, log });
  lifecycle.add(receipts);
  const endings = createSessionEndings(ended);
  const cookies = createRefreshCookies({ ...config, idleDays: life.idleDays });

  const issuer = config.publicUrl ?? DEFAULT_ISSUER;
  const accessTokens = createAccessTokens({ issuer, lifeSeconds: accessTokenSeconds, keys });
  const refreshTokens = createRefreshTokens(secrets.derive("refresh token"));
  // One core is left to requests.
  const concurrency = Math.max(1, availableParallelism() - 1);
  const hasher = createPasswordHasher({ concurrency, maxWaiting: MAX_WAITING_HASHES });
  const { passwordMinLength } = config;
  const commonPasswords = createCommonPasswords(passwordMinLength);
  const signUp = createSignUp({ db, hasher, commonPasswords, passwordMinLength, hearers });
  const actions = createSessionActions({
    db,
    clock,
    log,
    audit,
    mail,
    hasher,
    accessTokens,
    refreshTokens,
    receipts,
    endings,
    life,
  });

  async function getUser(sql: Sql, id: string): Promise<User> {
    const user = await findUser(sql, id);
    if (!user) throw accountErrors.USER_NOT_FOUND();
    return user;
  }

  http.useAuthenticator(createAuthenticator({ db, clock, tokens: accessTokens, ended }));
  http.mount([
    ...accountRoutes({ signUp, getUser: (id) => getUser(db.sql, id), listPublicKeys: keys.listPublic }),
    ...sessionRoutes({ actions, cookies, accessTokenSeconds }),
    ...deviceRoutes({ db, actions, cookies, life }),
  ]);

  return {
    onSignUp: (hear) => void hearers.push(hear),
    getUser,
    listNames,
    onSessionsEnded: ended.onEnded,
    isSessionAlive,
  };
}
