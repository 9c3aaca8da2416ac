// Refresh tokens: a session's id and counter under a MAC, so that nothing but the counter is stored, and the same successor
// can be given twice.
import { createHmac, timingSafeEqual } from "node:crypto";

export interface RefreshClaim {
  readonly sessionId: string;
  readonly counter: number;
}

export interface RefreshTokens {
  make(claim: RefreshClaim): string;
  /** Undefined for a text that we have not made. */
  read(token: string): RefreshClaim | undefined;
}

/** So that secret scanners know one when they see it. */
const PREFIX = "stoart_";
const ID_BYTES = 16;
const COUNTER_BYTES = 4;
const CLAIM_BYTES = ID_BYTES + COUNTER_BYTES;
const MAC_BYTES = 32;

/** @param key 32 bytes for this purpose alone. */
export function createRefreshTokens(key: Uint8Array): RefreshTokens {
  const seal = (claim: Uint8Array) => createHmac("sha256", key).update(claim).digest();
  return {
    make({ sessionId, counter }) {
      const claim = Buffer.alloc(CLAIM_BYTES);
      claim.write(sessionId.replaceAll("-", ""), "hex");
      claim.writeUInt32BE(counter, ID_BYTES);
      return PREFIX + Buffer.concat([claim, seal(claim)]).toString("base64url");
    },
    read(token) {
      if (!token.startsWith(PREFIX)) return undefined;
      const text = token.slice(PREFIX.length);
      const bytes = Buffer.from(text, "base64url");
      // One spelling only: the last character has spare bits, and what is not of the alphabet is skipped.
      if (bytes.length !== CLAIM_BYTES + MAC_BYTES || bytes.toString("base64url") !== text) return undefined;
      const claim = bytes.subarray(0, CLAIM_BYTES);
      if (!timingSafeEqual(seal(claim), bytes.subarray(CLAIM_BYTES))) return undefined;
      return { sessionId: toId(claim), counter: claim.readUInt32BE(ID_BYTES) };
    },
  };
}

function toId(claim: Buffer): string {
  const hex = claim.toString("hex", 0, ID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
