// The secret key of the embedded database: made before it, kept beside the data, never written over.
import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "../errors/index.ts";

const KEY_BYTES = 32;

/** Makes `<dataDir>/secret.key` unless it is there. Call it while holding the data directory, before the database is made. */
export async function makeSecretKey(dataDir: string): Promise<void> {
  const path = join(dataDir, "secret.key");
  if ((await readKey(path)) !== undefined) return;
  const aside = `${path}.new`;
  await writeDurably(aside, `${randomBytes(KEY_BYTES).toString("base64")}\n`);
  await rename(aside, path);
  // The name must not be lost either when what it encrypts is kept.
  const directory = await open(dataDir);
  await directory.sync().finally(() => directory.close());
}

/** The key, in base64: the configured one or the one in the data directory, which must not differ. */
export async function readSecretKey(dataDir: string, configured: string | undefined): Promise<string> {
  const path = join(dataDir, "secret.key");
  const kept = await readKey(path);
  if (kept === undefined && configured === undefined) {
    throw new StartError(
      `${path} is missing and the database beside it was written with it: put the file back, or set SECRET_KEY to what it held.`,
    );
  }
  if (kept !== undefined && configured !== undefined && !isSameKey(kept, configured)) {
    throw new StartError(
      `SECRET_KEY is not the key in ${path}, with which this database was written: unset it, or set it to what the file holds.`,
    );
  }
  return configured ?? kept ?? "";
}

async function readKey(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new StartError(`${path} cannot be read: make it readable for this user.`, error);
  });
  const key = text?.trim();
  if (key !== undefined && Buffer.from(key, "base64").length !== KEY_BYTES) {
    throw new StartError(`${path} must hold 32 bytes in base64: put the file back as it was made.`);
  }
  return key;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function isSameKey(a: string, b: string): boolean {
  return Buffer.from(a, "base64").equals(Buffer.from(b, "base64"));
}
