// What an API key looks like: a prefix and a checksum by which secret scanners find one and know it, without asking us.
import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

const PREFIX = "stoa_";
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 190 bits. */
const SECRET_CHARS = 32;
/** 62^6 is more than 2^32. */
const CHECKSUM_CHARS = 6;
/** The prefix and four of the secret's characters: 166 bits stay unknown. */
const HINT_CHARS = PREFIX.length + 4;
/** Bytes at and above the greatest multiple of 62 would make some characters likelier than others. */
const FAIR_BYTES = 248;
const SHAPE = /^stoa_[0-9A-Za-z]{38}$/;

export function newApiKey(): string {
  let secret = "";
  while (secret.length < SECRET_CHARS) {
    for (const byte of randomBytes(SECRET_CHARS)) {
      if (byte < FAIR_BYTES && secret.length < SECRET_CHARS) secret += BASE62.charAt(byte % 62);
    }
  }
  return PREFIX + secret + checksumOf(secret);
}

/** Whether a bearer token wants to be an API key. */
export function looksLikeApiKey(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** Whether it can be one of ours: by its shape and its checksum, as scanners see it. */
export function isApiKey(token: string): boolean {
  if (!SHAPE.test(token)) return false;
  return checksumOf(token.slice(PREFIX.length, -CHECKSUM_CHARS)) === token.slice(-CHECKSUM_CHARS);
}

/** What is kept of it. */
export function hashApiKey(key: string): Uint8Array {
  return createHash("sha256").update(key).digest();
}

export function hintOf(key: string): string {
  return key.slice(0, HINT_CHARS);
}

/** CRC-32 of the secret in base 62, the highest digit first. */
function checksumOf(secret: string): string {
  let rest = crc32(secret);
  let digits = "";
  while (digits.length < CHECKSUM_CHARS) {
    digits = BASE62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
