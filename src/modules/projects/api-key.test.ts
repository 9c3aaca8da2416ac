import { expect, test } from "bun:test";
import { hashApiKey, hintOf, isApiKey, looksLikeApiKey, newApiKey } from "./api-key.ts";
import { type Permission, permissions } from "./policy.ts";
import { permissionsOf, SCOPES } from "./scopes.ts";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** CRC-32 (ISO 3309) bit by bit, as a scanner would write it: not with the library that made the key. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

test("[PRJ-41] a scanner knows a key by its shape and its checksum, offline", () => {
  for (let n = 0; n < 200; n++) {
    const key = newApiKey();
    const [, secret = "", checksum = ""] =
      /^stoa_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/.exec(key) ?? expect.unreachable(key);
    const value = [...checksum].reduce((sum, digit) => sum * 62 + BASE62.indexOf(digit), 0);
    expect(value).toBe(crc32(secret));
    expect(isApiKey(key) && looksLikeApiKey(key)).toBe(true);
  }
});

test("[PRJ-41] each character of the chance is as likely as any other", () => {
  const counts = new Map<string, number>();
  for (let n = 0; n < 4_000; n++)
    for (const char of newApiKey().slice(5, 37)) counts.set(char, (counts.get(char) ?? 0) + 1);
  const expected = (4_000 * 32) / 62;
  const chiSquare = [...BASE62].reduce((sum, char) => {
    return sum + ((counts.get(char) ?? 0) - expected) ** 2 / expected;
  }, 0);
  // 61 degrees of freedom: beyond 150 once in 10^9 runs. Bytes modulo 62 without rejection give about 2,000.
  expect(chiSquare).toBeLessThan(150);
});

test("[PRJ-52] a text that differs in one character is no key, nor is one of another shape", () => {
  const key = newApiKey();
  for (let at = 0; at < key.length; at++) {
    const other = `${key.slice(0, at)}${key[at] === "x" ? "y" : "x"}${key.slice(at + 1)}`;
    expect([other, isApiKey(other)]).toEqual([other, false]);
  }
  for (const text of [
    "",
    "stoa_",
    `${key}x`,
    key.slice(0, -1),
    ` ${key}`,
    `${key}\n`,
    key.replace("_", "-"),
  ]) {
    expect([text, isApiKey(text)]).toEqual([text, false]);
  }
});

test("[PRJ-40] what is kept of a key does not give it away", () => {
  const key = newApiKey();
  expect(hashApiKey(key).length).toBe(32);
  expect(key.startsWith(hintOf(key))).toBe(true);
  expect(hintOf(key).length).toBe(9);
});

/** Written out again, so that a slip in the table shows. */
const EXPECTED: Record<keyof typeof SCOPES, string> = {
  read: "collections.read events.read files.read jobs.read paragraphs.read posts.read project.read",
  write:
    "collections.read collections.write events.read files.delete files.read files.write jobs.read paragraphs.delete paragraphs.read paragraphs.write " +
    "posts.delete posts.read posts.write project.read",
  "projects:read": "events.read project.read",
  "jobs:read": "jobs.read",
  "paragraphs:read": "paragraphs.read",
  "paragraphs:write": "paragraphs.delete paragraphs.read paragraphs.write",
  "posts:read": "collections.read posts.read",
  "files:read": "files.read",
  "files:write": "files.delete files.read files.write",
  "posts:write": "collections.read collections.write posts.delete posts.read posts.write",
};

test("[PRJ-43] what a scope allows is what the table says, together what each does, and nothing for an unknown one", () => {
  for (const [scope, list] of Object.entries(EXPECTED)) {
    expect([scope, [...permissionsOf([scope])].sort().join(" ")]).toEqual([scope, list]);
  }
  expect([...permissionsOf(["jobs:read", "paragraphs:read"])].sort()).toEqual([
    "jobs.read",
    "paragraphs.read",
  ]);
  expect([...permissionsOf(["admin", "toString", "__proto__"])]).toEqual([]);
});

test("[PRJ-42] no scope allows what the owner alone may", () => {
  const all = new Set<string>(Object.values(SCOPES).flat());
  // The keys are the table's own.
  const owners = (Object.keys(permissions) as Permission[]).filter(
    (permission) => !permissions[permission].roles.some((role) => role === "collaborator"),
  );
  expect(owners.length).toBeGreaterThan(0);
  expect(owners.filter((permission) => all.has(permission))).toEqual([]);
});
