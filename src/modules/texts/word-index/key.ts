// The form in which a word is a key of the index.
import { createHash } from "node:crypto";

/** Three bytes each at most, far below the 2,700 that a row of a PostgreSQL index may take. */
const MAX_KEY_UNITS = 256;

/** A word itself, or its digest when it is too long for a key. No word contains the # that digests begin with. */
export function toKey(word: string): string {
  if (word.length <= MAX_KEY_UNITS) return word;
  return `#${createHash("sha256").update(word).digest("base64url")}`;
}

/** What is known of the words of a document, by key. */
export function toKeys<Value>(words: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
  for (const word of words.keys()) {
    if (word.length > MAX_KEY_UNITS) return new Map([...words].map(([each, value]) => [toKey(each), value]));
  }
  return words;
}

/** Sorts keys by their UTF-8, as the database compares them, which differs from UTF-16 only beside the basic plane. */
export function sortKeys(keys: string[]): string[] {
  keys.sort();
  if (!/[\ud800-\udfff]/.test(keys.join())) return keys;
  return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
