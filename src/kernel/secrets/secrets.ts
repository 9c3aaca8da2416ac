// Secrets: SECRET_KEY encrypts what must be stored and read again; keys for single purposes are derived from it.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

export interface Secrets {
  /** AES-256-GCM; `purpose` is bound to the text, so that one secret cannot be put in another's place. */
  encrypt(purpose: string, plain: Uint8Array): Uint8Array;
  /** Throws when the text was changed, or was made under another key or purpose. */
  decrypt(purpose: string, sealed: Uint8Array): Uint8Array;
  /** 32 bytes for one purpose (HKDF-SHA-256, RFC 5869). */
  derive(purpose: string): Uint8Array;
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param secretKey 32 bytes in base64, as checked by the configuration. */
export function createSecrets(secretKey: string): Secrets {
  const master = Buffer.from(secretKey, "base64");
  const derive = (purpose: string) => new Uint8Array(hkdfSync("sha256", master, "", `stoa/${purpose}`, 32));
  return {
    derive,
    encrypt(purpose, plain) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", derive(purpose), nonce);
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([Buffer.from([VERSION]), nonce, cipher.getAuthTag(), body]);
    },
    decrypt(purpose, sealed) {
      const bytes = Buffer.from(sealed);
      if (bytes[0] !== VERSION) throw new Error("sealed by an unknown version");
      const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
      const tag = bytes.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", derive(purpose), nonce);
      decipher.setAuthTag(tag);
      return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    },
  };
}
