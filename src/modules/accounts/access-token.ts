// Access tokens: JWTs (RFC 9068, `at+jwt`) signed with Ed25519, made and checked here and nowhere else.
import { sign, verify } from "node:crypto";
import { isId, newId } from "../../kernel/ids/index.ts";
import type { SigningKey } from "./signing-keys.ts";

/** Who a token speaks for. */
export interface TokenSubject {
  readonly userId: string;
  readonly sessionId: string;
}

export interface VerifiedToken extends TokenSubject {
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

export interface AccessTokens {
  sign(subject: TokenSubject, nowMs: number): string | Promise<string>;
  /** Undefined for whatever is not a token of ours that still lasts. Whether its session has ended is asked elsewhere. */
  verify(token: string, nowMs: number): VerifiedToken | undefined | Promise<VerifiedToken | undefined>;
}

/** Merely signed: made and checked without waiting. */
export interface SignedTokens extends AccessTokens {
  sign(subject: TokenSubject, nowMs: number): string;
  verify(token: string, nowMs: number): VerifiedToken | undefined;
}

export interface AccessTokenOptions {
  readonly issuer: string;
  readonly lifeSeconds: number;
  readonly keys: {
    current(nowMs: number): SigningKey;
    /** The key whose tokens begin with this first part; undefined for any other text. */
    findByHeader(header: string): SigningKey | undefined;
  };
}

const AUDIENCE = "stoa";
const CLIENT = "stoa";
/** Ours have about 480; whoever sends more sends something else. */
const MAX_TOKEN_CHARS = 2_048;
const SIGNATURE_BYTES = 64;

export function createAccessTokens({ issuer, lifeSeconds, keys }: AccessTokenOptions): SignedTokens {
  return {
    sign(subject, nowMs) {
      const issuedAt = Math.floor(nowMs / 1000);
      const claims = {
        iss: issuer,
        aud: AUDIENCE,
        sub: subject.userId,
        sid: subject.sessionId,
        client_id: CLIENT,
        jti: newId(),
        iat: issuedAt,
        exp: issuedAt + lifeSeconds,
      };
      const key = keys.current(nowMs);
      const text = `${key.header}.${toPart(JSON.stringify(claims))}`;
      return `${text}.${sign(null, Buffer.from(text), key.privateKey).toString("base64url")}`;
    },

    /**
     * The header is not interpreted: it must be, byte for byte, one that we write, so no token can choose an algorithm, a
     * type, a key address or another serialisation (RFC 8725 sections 3.1, 3.5, 3.10, 3.11).
     */
    verify(token, nowMs) {
      if (token.length > MAX_TOKEN_CHARS) return undefined;
      const [header = "", payload = "", signature = "", ...more] = token.split(".");
      const key = keys.findByHeader(header);
      if (!key || more.length > 0 || !isSigned(key, `${header}.${payload}`, signature)) return undefined;
      return readClaims(payload, issuer, lifeSeconds, nowMs);
    },
  };
}

function isSigned(key: SigningKey, text: string, signature: string): boolean {
  const bytes = Buffer.from(signature, "base64url");
  // One spelling only: the last character's spare bits would give the same bytes sixteen names.
  if (bytes.length !== SIGNATURE_BYTES || bytes.toString("base64url") !== signature) return false;
  return verify(null, Buffer.from(text), key.publicKey, bytes);
}

/** Signed is not yet ours: another issuer's or another time's token can bear our signature too. */
function readClaims(
  payload: string,
  issuer: string,
  lifeSeconds: number,
  nowMs: number,
): VerifiedToken | undefined {
  const claims = parseClaims(payload);
  if (claims?.iss !== issuer || claims.aud !== AUDIENCE) return undefined;
  const { sub, sid, iat, exp } = claims;
  if (typeof sub !== "string" || typeof sid !== "string" || !isId(sub) || !isId(sid)) return undefined;
  if (typeof iat !== "number" || typeof exp !== "number") return undefined;
  // Ended sessions are remembered for today's life of a token: one issued under a longer setting must not outlast that.
  const expiresAt = Math.min(exp, iat + lifeSeconds) * 1000;
  return nowMs < expiresAt ? { userId: sub, sessionId: sid, expiresAt } : undefined;
}

function parseClaims(payload: string): Record<string, unknown> | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}

function toPart(text: string): string {
  return Buffer.from(text).toString("base64url");
}
