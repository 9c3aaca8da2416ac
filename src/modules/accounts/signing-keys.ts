// The keys that sign access tokens: made by whichever process comes first, kept encrypted, published as JWKS, renewed.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import type { Audit } from "../../kernel/audit/index.ts";
import type { Database, Tx } from "../../kernel/db/index.ts";
import { StartError } from "../../kernel/errors/index.ts";
import type { Secrets } from "../../kernel/secrets/index.ts";
import * as store from "./store/signing-keys.ts";

export interface SigningKey {
  /** `kid`: the JWK's thumbprint. */
  readonly id: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** The first part of every token it signs. */
  readonly header: string;
  /** Unix milliseconds. */
  readonly signsFrom: number;
}

/** A public key as RFC 7517 and RFC 8037 write it. */
export interface PublicJwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly kid: string;
  readonly use: "sig";
  readonly alg: "Ed25519";
}

/** A key that is to take over, and when. */
export interface Rotation {
  readonly id: string;
  readonly signsFrom: Date;
}

export interface SigningKeys {
  /** Makes the first key or the next one when it is time, drops those nobody needs, and reads all. Run it every hour. */
  refresh(): Promise<void>;
  /** Reads what other processes have made. Run it every minute: a key signs only after every process must have read it. */
  read(): Promise<void>;
  /** Makes the next key before its time; asked again before that one signs it makes no other. */
  rotate(): Promise<Rotation>;
  current(nowMs: number): SigningKey;
  findByHeader(header: string): SigningKey | undefined;
  /** Newest first. */
  list(): readonly SigningKey[];
  /** Current, previous, and the next one before it signs. */
  listPublic(): readonly PublicJwk[];
}

export interface SigningKeysDeps {
  readonly db: Database;
  readonly secrets: Secrets;
  readonly audit: Pick<Audit, "record">;
  /** Age at which a key gets a successor. */
  readonly rotationDays: number;
}

const PURPOSE = "access token signing key";

export function createSigningKeys({ db, secrets, audit, rotationDays }: SigningKeysDeps): SigningKeys {
  let keys: readonly SigningKey[] = [];
  let byHeader: ReadonlyMap<string, SigningKey> = new Map();

  function take(stored: readonly store.StoredKey[]): void {
    const known = new Map(keys.map((key) => [key.id, key]));
    keys = stored.map((each) => {
      const key = known.get(each.id);
      return key ? { ...key, signsFrom: each.signsFrom } : open(secrets, each);
    });
    byHeader = new Map(keys.map((key) => [key.header, key]));
  }

  async function record(tx: Tx, id: string, reason: "schedule" | "command"): Promise<void> {
    const entry = {
      action: "signing_key.rotated",
      projectId: null,
      actorId: null,
      subject: id,
      address: null,
    };
    await audit.record(tx, { ...entry, data: { reason } });
  }

  async function settle(tx: Tx): Promise<readonly store.StoredKey[]> {
    await store.lockSigningKeys(tx);
    const due = await store.findDueKey(tx, rotationDays);
    if (due) {
      const key = generate(secrets);
      await store.insertSigningKey(tx, key, due.delaySeconds);
      // The first one replaces none.
      if (due.delaySeconds > 0) await record(tx, key.id, "schedule");
    }
    await store.deleteSupersededKeys(tx);
    return store.listSigningKeys(tx);
  }

  async function hasten(tx: Tx): Promise<string> {
    const waiting = await store.hastenWaitingKey(tx);
    if (waiting !== undefined) return waiting;
    const key = generate(secrets);
    await store.insertSigningKey(tx, key);
    return key.id;
  }

  return {
    async refresh() {
      take(await db.transaction(settle));
    },
    async read() {
      take(await store.listSigningKeys(db.sql));
    },
    async rotate() {
      // Where no server has run yet there is no key to replace.
      await db.transaction(settle);
      const { id, stored } = await db.transaction(async (tx) => {
        await store.lockSigningKeys(tx);
        const next = await hasten(tx);
        await record(tx, next, "command");
        return { id: next, stored: await store.listSigningKeys(tx) };
      });
      take(stored);
      const next = keys.find((key) => key.id === id);
      if (!next) throw new Error("the key that was made is not there");
      return { id, signsFrom: new Date(next.signsFrom) };
    },
    list: () => keys,
    current(nowMs) {
      // Newest first. A clock behind the database's finds none that signs yet: then the oldest does.
      const key = keys.find(({ signsFrom }) => signsFrom <= nowMs) ?? keys.at(-1);
      if (!key) throw new Error("signing keys are not loaded: start the module first");
      return key;
    },
    findByHeader: (header) => byHeader.get(header),
    listPublic: () => keys.map(toJwk),
  };
}

function generate(secrets: Secrets): store.NewKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x } = publicKeyPart(publicKey);
  const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
  return {
    id: thumbprint(x),
    sealedPrivateKey: secrets.encrypt(PURPOSE, pkcs8),
  };
}

function open(secrets: Secrets, stored: store.StoredKey): SigningKey {
  const privateKey = createPrivateKey({
    key: Buffer.from(unseal(secrets, stored)),
    format: "der",
    type: "pkcs8",
  });
  // RFC 9864 deprecates the name EdDSA, which leaves open which curve it means.
  const header = JSON.stringify({ alg: "Ed25519", typ: "at+jwt", kid: stored.id });
  return {
    id: stored.id,
    publicKey: createPublicKey(privateKey),
    privateKey,
    header: Buffer.from(header).toString("base64url"),
    signsFrom: stored.signsFrom,
  };
}

function unseal(secrets: Secrets, stored: store.StoredKey): Uint8Array {
  try {
    return secrets.decrypt(PURPOSE, stored.sealedPrivateKey);
  } catch (cause) {
    throw new StartError(
      "SECRET_KEY is not the one that this database's secrets were encrypted with: set the one used before.",
      cause,
    );
  }
}

function toJwk({ id, publicKey }: SigningKey): PublicJwk {
  const { x } = publicKeyPart(publicKey);
  return { kty: "OKP", crv: "Ed25519", x, kid: id, use: "sig", alg: "Ed25519" };
}

function publicKeyPart(publicKey: KeyObject): { x: string } {
  const { x } = publicKey.export({ format: "jwk" });
  if (x === undefined) throw new Error("an Ed25519 key has an x");
  return { x };
}

/** RFC 7638: SHA-256 of the required members in the order of their names. */
function thumbprint(x: string): string {
  return createHash("sha256")
    .update(JSON.stringify({ crv: "Ed25519", kty: "OKP", x }))
    .digest("base64url");
}
