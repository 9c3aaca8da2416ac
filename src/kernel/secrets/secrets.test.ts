import { afterEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecrets, makeSecretKey, readSecretKey } from "./index.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "stoa-secrets-"));
  directories.push(directory);
  return directory;
}

const newKey = () => randomBytes(32).toString("base64");
const text = new TextEncoder().encode("a signing key");

test("[SEC-1] sealed and opened again, with and without content", () => {
  const secrets = createSecrets(newKey());
  for (const plain of [text, new Uint8Array(0), randomBytes(100_000)]) {
    const sealed = secrets.encrypt("keys", plain);
    expect(Buffer.from(secrets.decrypt("keys", sealed)).equals(Buffer.from(plain))).toBe(true);
  }
  expect(Buffer.from(secrets.encrypt("keys", text)).equals(Buffer.from(secrets.encrypt("keys", text)))).toBe(
    false,
  );
});

test("[SEC-1] another process with the same key opens it", () => {
  const key = newKey();
  expect(createSecrets(key).decrypt("keys", createSecrets(key).encrypt("keys", text))).toEqual(
    Buffer.from(text),
  );
});

test("[SEC-2] any changed byte, any cut, any addition is noticed", () => {
  const secrets = createSecrets(newKey());
  const sealed = secrets.encrypt("keys", text);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => secrets.decrypt("keys", changed)).toThrow();
    expect(() => secrets.decrypt("keys", sealed.subarray(0, at))).toThrow();
  }
  expect(() => secrets.decrypt("keys", Buffer.concat([sealed, Buffer.of(0)]))).toThrow();
});

test("[SEC-3] another purpose and another key open nothing", () => {
  const secrets = createSecrets(newKey());
  const sealed = secrets.encrypt("keys", text);
  expect(() => secrets.decrypt("tokens", sealed)).toThrow();
  expect(() => createSecrets(newKey()).decrypt("keys", sealed)).toThrow();
});

test("[SEC-4] derived keys depend on the secret key and the purpose alone", () => {
  const key = newKey();
  const derive = (secretKey: string, purpose: string) =>
    Buffer.from(createSecrets(secretKey).derive(purpose)).toString("hex");
  expect(derive(key, "a")).toBe(derive(key, "a"));
  expect(derive(key, "a")).toHaveLength(64);
  expect(new Set([derive(key, "a"), derive(key, "b"), derive(key, ""), derive(newKey(), "a")]).size).toBe(4);
});

test("[SEC-5] made once, for its owner's eyes, and kept", async () => {
  const directory = scratch();
  await makeSecretKey(directory);
  const path = join(directory, "secret.key");
  const made = readFileSync(path, "utf8");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await makeSecretKey(directory);
  expect(readFileSync(path, "utf8")).toBe(made);
  expect(readdirSync(directory)).toEqual(["secret.key"]);
  const key = await readSecretKey(directory, undefined);
  expect(Buffer.from(key, "base64")).toHaveLength(32);
  expect(key).toBe(made.trim());
});

test("[SEC-5] what a start that was cut off left behind is no key", async () => {
  const directory = scratch();
  writeFileSync(join(directory, "secret.key.new"), "hal");
  await makeSecretKey(directory);
  expect(Buffer.from(await readSecretKey(directory, undefined), "base64")).toHaveLength(32);
});

test("[SEC-6] missing, damaged, another than SECRET_KEY", async () => {
  const directory = scratch();
  const path = join(directory, "secret.key");
  const sentence = (configured?: string) =>
    readSecretKey(directory, configured).catch((error: Error) => error.message);
  const configured = newKey();

  expect(await sentence()).toBe(
    `${path} is missing and the database beside it was written with it: put the file back, or set SECRET_KEY to what it held.`,
  );
  expect(await sentence(configured)).toBe(configured);

  writeFileSync(path, "not a key\n");
  const damaged = `${path} must hold 32 bytes in base64: put the file back as it was made.`;
  expect(await sentence()).toBe(damaged);
  expect(await sentence(configured)).toBe(damaged);
  expect(await makeSecretKey(directory).catch((error: Error) => error.message)).toBe(damaged);
  expect(readFileSync(path, "utf8")).toBe("not a key\n");

  writeFileSync(path, `${newKey()}\n`);
  expect(await sentence(configured)).toBe(
    `SECRET_KEY is not the key in ${path}, with which this database was written: unset it, or set it to what the file holds.`,
  );
  writeFileSync(path, `${configured}\n`);
  expect(await sentence(configured)).toBe(configured);
});
