// One-time links in mails: a random token that is stored as a hash alone, for one user, purpose and address, and not for long.
import { createHash, randomBytes } from "node:crypto";

/** To verify the address of an account, to choose a new password, to change the address. */
export type LinkPurpose = "verify" | "reset" | "change";

export const LINK_MINUTES: Readonly<Record<LinkPurpose, number>> = { verify: 1_440, reset: 30, change: 60 };

const TOKEN_BYTES = 32;

export function makeToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/** Of 256 random bits a fast hash is enough, and comparing it tells a guesser nothing. */
export function hashToken(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
