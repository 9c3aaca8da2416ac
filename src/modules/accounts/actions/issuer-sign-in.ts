// Signing in with an outside issuer: to the issuer, back with an identity, and a one-time code that becomes a session.
import { createHash, randomBytes } from "node:crypto";
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Database, Tx } from "../../../kernel/db/index.ts";
import { Refusal } from "../../../kernel/errors/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Logger } from "../../../kernel/telemetry/index.ts";
import { accountCreated } from "../audit-trail.ts";
import { accountErrors as no } from "../errors.ts";
import type { CodeFlow, IssuerClaims } from "../issuers/code-flow.ts";
import type { Issuer } from "../issuers/issuer.ts";
import { type ReturnAddresses, withOutcome } from "../issuers/return-address.ts";
import type { Transaction, Transactions } from "../issuers/transaction.ts";
import type { User } from "../model.ts";
import * as store from "../store/identities.ts";
import { insertCode, useCode } from "../store/sign-in-codes.ts";
import { findUser } from "../store/users.ts";
import type { Device, SessionActions, TokenPair } from "./sessions.ts";

export interface IssuerSignInDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly audit: Pick<Audit, "record">;
  readonly issuers: ReadonlyMap<string, Issuer>;
  readonly flow: CodeFlow;
  readonly transactions: Transactions;
  readonly addresses: ReturnAddresses;
  readonly sessions: Pick<SessionActions, "startSession">;
  /** Called when the address of a new person is known to be verified. */
  readonly noteVerified: (tx: Tx, userId: string, address: string) => Promise<void>;
  /** Called in the transaction that makes a new person's account. */
  readonly hearers: readonly ((tx: Tx, user: User) => Promise<void>)[];
}

/** Where to send the browser, and the Set-Cookie header that goes with it. */
export interface Departure {
  readonly location: string;
  readonly cookie: string;
}

export interface Return {
  readonly name: string;
  readonly parameters: URLSearchParams;
  readonly cookies: string | null;
  readonly address: string;
}

/** So that secret scanners know one when they see it. */
const PREFIX = "stoacode_";
const CODE_BYTES = 32;

export type IssuerSignIn = ReturnType<typeof createIssuerSignIn>;

export function createIssuerSignIn(deps: IssuerSignInDeps) {
  const { db, log, audit, issuers, flow, transactions, addresses, sessions, noteVerified, hearers } = deps;

  function getIssuer(name: string): Issuer {
    const issuer = issuers.get(name);
    if (!issuer) throw no.ISSUER_NOT_FOUND();
    return issuer;
  }

  async function link(tx: Tx, claims: IssuerClaims, userId: string, address: string): Promise<void> {
    const { issuer, subject, email } = claims;
    const id = newId();
    await store.insertIdentity(tx, { id, userId, issuer, subject, email: email?.address ?? null });
    const entry = { action: "identity.linked", projectId: null, actorId: userId, subject: id, address };
    await audit.record(tx, { ...entry, data: { issuer } });
  }

  /** A person of ours whose address is verified on both sides, or a new one; undefined when another sign-up took the address. */
  async function findOrMakeUser(
    tx: Tx,
    { email, isEmailVerified, name }: IssuerClaims,
    address: string,
  ): Promise<string | undefined> {
    // Whether there is an account with an address is told to nobody who has not shown that it is his.
    if (!email || !isEmailVerified) throw no.ISSUER_EMAIL_UNVERIFIED();
    const found = await store.lockByEmail(tx, email.key);
    if (found && !found.isVerified) throw no.ACCOUNT_EMAIL_UNVERIFIED();
    if (found) return found.userId;
    const id = newId();
    if (!(await store.insertUserWithoutPassword(tx, { id, email, name }))) return undefined;
    await audit.record(tx, accountCreated(id, address));
    // Before the others hear of the user: a verified one gets no mail to verify the address.
    await noteVerified(tx, id, address);
    const user = await findUser(tx, id);
    if (user) for (const hear of hearers) await hear(tx, user);
    return id;
  }

  async function resolve(tx: Tx, claims: IssuerClaims, address: string): Promise<string> {
    const { issuer, subject, email } = claims;
    const identity = { issuer, subject, email: email?.address ?? null };
    const known = await store.useIdentity(tx, identity);
    if (known !== undefined) return known;
    await store.lockIdentity(tx, issuer, subject);
    const made = await store.useIdentity(tx, identity);
    if (made !== undefined) return made;
    // The second time the account that took the address meanwhile is there.
    const userId = (await findOrMakeUser(tx, claims, address)) ?? (await findOrMakeUser(tx, claims, address));
    if (userId === undefined) throw no.ISSUER_ANSWER_REFUSED();
    await link(tx, claims, userId, address);
    return userId;
  }

  async function finish(issuer: Issuer, transaction: Transaction, back: Return): Promise<string> {
    const claims = await flow.finish(issuer, transaction, back.parameters);
    const code = PREFIX + randomBytes(CODE_BYTES).toString("base64url");
    const { state, challenge } = transaction;
    await db.transaction(async (tx) => {
      const userId = await resolve(tx, claims, back.address);
      const isFirst = await insertCode(tx, {
        stateHash: hash(state),
        codeHash: hash(code),
        userId,
        issuer: claims.issuer,
        challenge: challenge === null ? null : Buffer.from(challenge, "base64url"),
      });
      if (!isFirst) throw no.SIGN_IN_NOT_FOUND();
    });
    return code;
  }

  return {
    async begin(
      name: string,
      input: { returnTo: string; challenge: string | null; cookies: string | null },
    ): Promise<Departure> {
      const issuer = getIssuer(name);
      const returnTo = addresses.parse(input.returnTo)?.href;
      if (returnTo === undefined) throw no.RETURN_ADDRESS_FORBIDDEN();
      const { location, ...handshake } = await flow.begin(issuer, transactions.pickSlot(input.cookies));
      const transaction = { ...handshake, issuer: issuer.name, returnTo, challenge: input.challenge };
      return { location, cookie: transactions.toCookie(transaction) };
    },

    /** Throws where it is not known to whom to send the browser back; else that address says how it ended. */
    async comeBack(back: Return): Promise<Departure> {
      const issuer = getIssuer(back.name);
      const state = back.parameters.get("state") ?? "";
      const transaction = transactions.find(back.cookies, state);
      // Begun with another issuer: that one may have sent the browser here to have its answer taken for this one's.
      if (!transaction || transaction.issuer !== issuer.name) throw no.SIGN_IN_NOT_FOUND();
      const { returnTo } = transaction;
      const cookie = transactions.forget(state);
      try {
        return { location: withOutcome(returnTo, { code: await finish(issuer, transaction, back) }), cookie };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        log.info(
          { err: error.cause, code: error.code, issuer: issuer.name },
          "a sign-in with an issuer was refused",
        );
        return { location: withOutcome(returnTo, { error: error.code }), cookie };
      }
    },

    async exchange(
      input: { code: string; verifier: string | undefined },
      device: Device,
    ): Promise<TokenPair> {
      const challenge = input.verifier === undefined ? null : hash(input.verifier);
      return db.transaction(async (tx) => {
        const used = await useCode(tx, { hash: hash(input.code), challenge });
        if (!used) throw no.INVALID_SIGN_IN_CODE();
        const { userId, issuer } = used;
        const { sessionId, tokens } = await sessions.startSession(tx, userId, device);
        await audit.record(tx, {
          action: "session.created",
          projectId: null,
          actorId: userId,
          subject: sessionId,
          address: device.address,
          data: { issuer },
        });
        return tokens;
      });
    },
  };
}

function hash(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
