// Which words have which stem, kept among the words of each segment: so a query finds the words of a stem without stemming a
// vocabulary, and a fold writes them with the rest.
import { isStemmable, type Languages } from "../language/languages.ts";
import type { BlockEntry } from "./blocks.ts";
import { sortKeys } from "./key.ts";
import type { SegmentBuilder } from "./segment-builder.ts";
import { VarintReader, VarintWriter } from "./varint.ts";

/** Above all keys of characters, which begin with CHARACTER, and below all words. */
const STEM = "\u0002";
const STEM_BYTE = 2;

export function stemKey(lang: string, stem: string): string {
  return `${STEM}${lang} ${stem}`;
}

/** @param key in UTF-8. */
export function isStemKey(key: Uint8Array): boolean {
  return key[0] === STEM_BYTE;
}

export function splitStemKey(key: string): { lang: string; stem: string } {
  const [lang = "", stem = ""] = key.slice(STEM.length).split(" ");
  return { lang, stem };
}

/** What stands in a block in place of the postings of a word. */
export function toStemEntry(words: Uint8Array): BlockEntry {
  return { documents: 0, occurrences: 0, postings: words, positions: undefined };
}

/** By key the words that are not their own stem, in the languages of the documents they occur in. Load the languages before. */
export function stemsOf(
  segment: SegmentBuilder,
  languages: Pick<Languages, "hasStems" | "stem">,
): Map<string, string[]> {
  const stems = new Map<string, string[]>();
  for (const [word, langs] of langsOfWords(segment, languages)) {
    for (const lang of langs) {
      const stem = languages.stem(lang, word);
      if (stem === word) continue;
      const key = stemKey(lang, stem);
      const words = stems.get(key);
      if (words) words.push(word);
      else stems.set(key, [word]);
    }
  }
  return stems;
}

function* langsOfWords(
  segment: SegmentBuilder,
  languages: Pick<Languages, "hasStems">,
): Generator<[word: string, langs: ReadonlySet<string>]> {
  const langs = segment.documents.map(({ lang }) => (languages.hasStems(lang) ? lang : undefined));
  const all = new Set(langs);
  const [only] = all;
  const everywhere = all.size === 1 ? new Set(only === undefined ? [] : [only]) : undefined;
  if (everywhere?.size === 0) return;
  for (const word of segment.words()) {
    if (!isStemmable(word)) continue;
    if (everywhere) {
      yield [word, everywhere];
      continue;
    }
    const found = new Set<string>();
    for (const place of segment.placesOf(word)) {
      const lang = langs[place];
      if (lang !== undefined) found.add(lang);
    }
    if (found.size > 0) yield [word, found];
  }
}

/** Of each word in the order of their UTF-8 how many bytes it shares with the one before, how many follow, and these. */
export function encodeStemWords(words: readonly string[]): Uint8Array {
  const writer = new VarintWriter();
  let last = Buffer.alloc(0);
  for (const word of sortKeys([...new Set(words)])) {
    const bytes = Buffer.from(word);
    let shared = 0;
    while (shared < bytes.length && bytes[shared] === last[shared]) shared++;
    writer.write(shared);
    writer.write(bytes.length - shared);
    writer.writeBytes(bytes.subarray(shared));
    last = bytes;
  }
  return writer.view();
}

export function decodeStemWords(bytes: Uint8Array): string[] {
  const reader = new VarintReader(bytes);
  const words: string[] = [];
  let last = Buffer.alloc(0);
  while (!reader.isAtEnd) {
    const shared = reader.read();
    last = Buffer.concat([last.subarray(0, shared), reader.readBytes(reader.read())]);
    words.push(last.toString());
  }
  return words;
}

/** The words of a stem in several segments together. */
export function joinStemWords(lists: readonly Uint8Array[]): Uint8Array {
  const [first = new Uint8Array(), ...others] = lists;
  // Common words are in all of them.
  if (others.every((other) => Buffer.compare(first, other) === 0)) return first;
  return encodeStemWords(lists.flatMap(decodeStemWords));
}
