// Access tokens that only this server can read: the signed token inside a JWE (RFC 7516; RFC 7519 appendix A.2).
import type { AccessTokens } from "./access-token.ts";

export interface EncryptedTokenDeps {
  /** Makes and checks the token inside. */
  readonly signed: AccessTokens;
  /** 32 bytes for one signing key's tokens: its successor gets others, so that no key is used for too many random nonces. */
  readonly deriveKey: (signingKeyId: string) => Uint8Array;
  readonly keys: {
    current(nowMs: number): { readonly id: string };
    list(): readonly { readonly id: string }[];
  };
}

/** Ours have about 800. */
const MAX_TOKEN_CHARS = 4_096;
const ALGORITHM = "dir";
const ENCRYPTION = "A256GCM";

/** Takes no token that is merely signed. */
export function createEncryptedTokens({ signed, deriveKey, keys }: EncryptedTokenDeps): AccessTokens {
  return {
    async sign(subject, nowMs) {
      const { CompactEncrypt } = await loadJose();
      const { id } = keys.current(nowMs);
      const token = await signed.sign(subject, nowMs);
      return new CompactEncrypt(Buffer.from(token)).setProtectedHeader(headerOf(id)).encrypt(deriveKey(id));
    },

    /**
     * As with the signed token the header must be, byte for byte, one that we write, before anything is decrypted: no token can
     * choose an algorithm, name a key or ask for decompression (RFC 8725 sections 3.1, 3.6, 3.10). Then the token inside is
     * checked like any other: that it could be decrypted proves nothing (RFC 8725 section 3.3).
     */
    async verify(token, nowMs) {
      if (token.length > MAX_TOKEN_CHARS) return undefined;
      const [header = "", ...parts] = token.split(".");
      const key = keys.list().find(({ id }) => toPart(headerOf(id)) === header);
      if (!key || parts.length !== 4 || !parts.every(isPlainlySpelt)) return undefined;
      const inner = await decrypt(token, deriveKey(key.id));
      return inner === undefined ? undefined : signed.verify(inner, nowMs);
    },
  };
}

async function decrypt(token: string, key: Uint8Array): Promise<string | undefined> {
  const { compactDecrypt } = await loadJose();
  try {
    const { plaintext } = await compactDecrypt(token, key, {
      keyManagementAlgorithms: [ALGORITHM],
      contentEncryptionAlgorithms: [ENCRYPTION],
    });
    return new TextDecoder("utf-8", { fatal: true }).decode(plaintext);
  } catch {
    return undefined;
  }
}

/** When it is first needed: most servers do without, and it takes some MB. */
const loadJose = () => import("jose");

function headerOf(signingKeyId: string) {
  return { alg: ALGORITHM, enc: ENCRYPTION, cty: "JWT", kid: signingKeyId };
}

function toPart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** One spelling only: a last character's spare bits would give one token many names. */
function isPlainlySpelt(part: string): boolean {
  return Buffer.from(part, "base64url").toString("base64url") === part;
}
