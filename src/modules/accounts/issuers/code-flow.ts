// The authorization code flow with PKCE against one issuer: where to send the browser, and who has come back.
import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  type IDToken,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from "openid-client";
import type { Refusal } from "../../../kernel/errors/index.ts";
import { OutboundError } from "../../../kernel/outbound/index.ts";
import { type EmailAddress, parseEmail } from "../email.ts";
import { accountErrors as no } from "../errors.ts";
import type { Discovery } from "./discovery.ts";
import type { Issuer } from "./issuer.ts";
import type { Transaction } from "./transaction.ts";

/** Who an issuer says has signed in. */
export interface IssuerClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly email: EmailAddress | undefined;
  readonly isEmailVerified: boolean;
  readonly name: string | null;
}

export interface CodeFlow {
  /** Where to send the browser, and what to compare its return with. */
  begin(issuer: Issuer, slot: string): Promise<{ readonly location: string } & Handshake>;
  /** Throws a refusal for whatever is not the issuer's own, fresh answer to this very sign-in. */
  finish(issuer: Issuer, transaction: Transaction, parameters: URLSearchParams): Promise<IssuerClaims>;
}

type Handshake = Pick<Transaction, "state" | "nonce" | "verifier">;

const RETRY_SECONDS = 10;
/** OpenID Connect Core 1.0 section 2. */
const MAX_SUBJECT_CHARS = 255;
const MAX_NAME_CHARS = 200;

/** @param callbackOf the one address that each issuer sends browsers back to, as registered there. */
export function createCodeFlow(discovery: Discovery, callbackOf: (issuer: Issuer) => string): CodeFlow {
  return {
    async begin(issuer, slot) {
      const configuration = await discovery.get(issuer).catch((error) => {
        throw unavailable(error);
      });
      const handshake = {
        state: slot + randomState(),
        nonce: randomNonce(),
        verifier: randomPKCECodeVerifier(),
      };
      const location = buildAuthorizationUrl(configuration, {
        redirect_uri: callbackOf(issuer),
        scope: issuer.scopes.join(" "),
        state: handshake.state,
        nonce: handshake.nonce,
        code_challenge: await calculatePKCECodeChallenge(handshake.verifier),
        code_challenge_method: "S256",
      });
      return { location: location.href, ...handshake };
    },

    async finish(issuer, transaction, parameters) {
      const configuration = await discovery.get(issuer).catch((error) => {
        throw unavailable(error);
      });
      // The address as registered, not as the request has it: a Host header is anybody's.
      const callback = new URL(`${callbackOf(issuer)}?${parameters}`);
      try {
        const tokens = await authorizationCodeGrant(configuration, callback, {
          expectedState: transaction.state,
          expectedNonce: transaction.nonce,
          pkceCodeVerifier: transaction.verifier,
        });
        const claims = tokens.claims();
        if (!claims) throw new Error("the answer has no ID token");
        return toClaims({ ...claims, ...(await askMore(configuration, claims, tokens.access_token)) });
      } catch (error) {
        throw toRefusal(error);
      }
    },
  };
}

/** Many issuers keep the address out of the ID token and tell it at their userinfo endpoint (OpenID Connect Core 1.0 section 5.4). */
async function askMore(configuration: Configuration, claims: IDToken, accessToken: string): Promise<object> {
  if (claims.email !== undefined || configuration.serverMetadata().userinfo_endpoint === undefined) return {};
  // Refuses an answer about somebody else.
  const { email, email_verified, name } = await fetchUserInfo(configuration, accessToken, claims.sub);
  // The address and whether it is verified come from the same place.
  return { email, email_verified, name: claims.name ?? name };
}

function toClaims(claims: Readonly<Record<string, unknown>>): IssuerClaims {
  const { iss, sub, email, email_verified: verified, name } = claims;
  if (typeof iss !== "string" || typeof sub !== "string" || sub === "" || sub.length > MAX_SUBJECT_CHARS)
    throw new Error("the ID token names nobody");
  return {
    issuer: iss,
    subject: sub,
    email: typeof email === "string" ? parseEmail(email) : undefined,
    // Some issuers send the boolean as text.
    isEmailVerified: verified === true || verified === "true",
    name: typeof name === "string" ? toName(name) : null,
  };
}

/** As a sign-up would take it. */
function toName(text: string): string | null {
  const name = text.trim();
  return name === "" || name.length > MAX_NAME_CHARS || /\p{Cc}/u.test(name) || !name.isWellFormed()
    ? null
    : name;
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof AuthorizationResponseError) {
    if (error.error === "access_denied") return no.SIGN_IN_DENIED();
    if (["temporarily_unavailable", "server_error"].includes(error.error)) return unavailable(error);
  }
  return isAway(error) ? unavailable(error) : no.ISSUER_ANSWER_REFUSED({ cause: reasonOf(error) });
}

/** Not for a wrong answer, which trying again does not mend. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof OutboundError || isAway(error.cause);
}

function unavailable(error: unknown): Refusal {
  return no.ISSUER_UNAVAILABLE({ cause: reasonOf(error), retryAfterSeconds: RETRY_SECONDS });
}

/** For the log. The library's errors carry tokens and claims along: only their sentences may stand there. */
function reasonOf(error: unknown): Error {
  const sentences: string[] = [];
  for (let one = error; one instanceof Error && sentences.length < 5; one = one.cause)
    sentences.push(one.message);
  return new Error(sentences.join(": "));
}
