// Words of a text: the one place that says what a word is, for counting, search and highlighting alike. Linear on any input.
import {
  APOSTROPHE,
  type Classify,
  createClassifier,
  DIGIT,
  KIND,
  LETTER,
  MARK,
  POINT,
  UNSPACED,
} from "./characters.ts";
import { createOffsetMap, toNormalForm } from "./normal-form.ts";
import { createRunSplitter, type SplitRun } from "./run-splitter.ts";

/**
 * Raise it with every change of what a word is, also when a newer Bun brings an ICU that segments differently (a test pins
 * samples): projects analysed by a lower version are then indexed anew.
 */
export const TOKENIZER_VERSION = 2;

/** Before a character of a script without spaces, where it is a term of its own: no word begins so. */
export const CHARACTER = "\u0001";

/** A word in NFKC and lower case, and where it stands in the stored text, in UTF-16 code units. */
export interface Word {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** What a text consists of to the index. */
export interface TextWords {
  /** How often each word occurs. */
  readonly counts: ReadonlyMap<string, number>;
  /** Of each term (see `listTerms`) its places in the order of all terms, ascending. */
  readonly positions: ReadonlyMap<string, number[]>;
  /** Whether it has words of scripts without spaces, which have no places of their own. */
  readonly hasUnspaced: boolean;
}

/** Told a word as a part of a text, so that nobody need make a string of it who knows the word. */
export type OnPart = (text: string, start: number, end: number) => void;

export interface Tokenizer {
  /** Counts and places of one text in one pass. */
  readText(content: string): TextWords;
  /** The same one by one: each term (see `listTerms`) in the order of their places, and words of scripts without spaces. */
  scanTerms(content: string, onTerm: OnPart, onUnspacedWord: OnPart): void;
  /**
   * What searching goes by, in order: words, but in scripts without spaces each character with its marks, after CHARACTER, so
   * that segmentation never hides a hit.
   */
  listTerms(content: string): Word[];
  /** How often each word occurs; the fast path when places do not matter. */
  countWords(content: string): Map<string, number>;
  /** All words in order. */
  listWords(content: string): Word[];
  /**
   * The word that a user means by `text`: one word, or one run of a script without spaces, which a longer text may have held as
   * a single word. Undefined when there is none or more than one.
   */
  findWord(text: string): { readonly word: string; readonly isSegmented: boolean } | undefined;
}

/** Told the range of each word in the normal form, and whether its letters need no second look. */
type OnWord = (start: number, end: number, hasMarks: boolean, isOfRun: boolean) => void;
/** Told each character of a script without spaces, with its marks, before the words that they make. */
type OnCharacter = (start: number, end: number, hasMarks: boolean) => void;

export function createTokenizer(classify: Classify = createClassifier()): Tokenizer {
  const segmenter = new Intl.Segmenter("und", { granularity: "word" });

  function countWords(content: string): Map<string, number> {
    const counts = new Map<string, number>();
    const { text } = toNormalForm(content, classify);
    const { wordAt } = createLowerCase(text, classify);
    scan(text, classify, segmenter, (start, end, hasMarks) => {
      const word = wordAt(start, end, hasMarks);
      counts.set(word, (counts.get(word) ?? 0) + 1);
    });
    return counts;
  }

  function listWords(content: string): Word[] {
    const words: Word[] = [];
    const { text, changes } = toNormalForm(content, classify);
    const { wordAt } = createLowerCase(text, classify);
    const toStored = createOffsetMap(changes);
    scan(text, classify, segmenter, (from, to, hasMarks) => {
      const [start, end] = toStored(from, to);
      words.push({ word: wordAt(from, to, hasMarks), start, end });
    });
    return words;
  }

  function scanTerms(content: string, onTerm: OnPart, onUnspacedWord: OnPart): void {
    const { text } = toNormalForm(content, classify);
    const { lower, wordAt } = createLowerCase(text, classify);
    const onCharacter: OnCharacter = (start, end, hasMarks) => {
      const term = CHARACTER + wordAt(start, end, hasMarks);
      onTerm(term, 0, term.length);
    };
    const onWord: OnWord = (start, end, hasMarks, isOfRun) => {
      const onPart = isOfRun ? onUnspacedWord : onTerm;
      if (lower !== undefined && !hasMarks) return onPart(lower, start, end);
      const word = wordAt(start, end, hasMarks);
      onPart(word, 0, word.length);
    };
    scan(text, classify, segmenter, onWord, onCharacter);
  }

  function readText(content: string): TextWords {
    /** Of words within scripts without spaces; those of others have as many as they have places. */
    const counts = new Map<string, number>();
    const positions = new Map<string, number[]>();
    let position = 0;
    let hasUnspaced = false;
    const place = (term: string) => {
      const list = positions.get(term);
      if (list) list.push(position++);
      else positions.set(term, [position++]);
    };
    const onTerm: OnPart = (text, start, end) => place(text.slice(start, end));
    scanTerms(content, onTerm, (text, start, end) => {
      hasUnspaced = true;
      const word = text.slice(start, end);
      counts.set(word, (counts.get(word) ?? 0) + 1);
    });
    for (const [term, places] of positions) {
      if (!hasUnspaced || !term.startsWith(CHARACTER)) {
        counts.set(term, (counts.get(term) ?? 0) + places.length);
      }
    }
    return { counts, positions, hasUnspaced };
  }

  function listTerms(content: string): Word[] {
    const terms: Word[] = [];
    const { text, changes } = toNormalForm(content, classify);
    const { wordAt } = createLowerCase(text, classify);
    const toStored = createOffsetMap(changes);
    const add = (from: number, to: number, hasMarks: boolean, before: string) => {
      const [start, end] = toStored(from, to);
      terms.push({ word: before + wordAt(from, to, hasMarks), start, end });
    };
    const onCharacter: OnCharacter = (from, to, hasMarks) => add(from, to, hasMarks, CHARACTER);
    scan(text, classify, undefined, (from, to, hasMarks) => add(from, to, hasMarks, ""), onCharacter);
    return terms;
  }

  return {
    countWords,
    readText,
    scanTerms,
    listTerms,
    listWords,
    findWord(input) {
      const { text } = toNormalForm(input, classify);
      const { wordAt } = createLowerCase(text, classify);
      const found: { start: number; end: number; hasMarks: boolean }[] = [];
      scan(text, classify, segmenter, (start, end, hasMarks) => void found.push({ start, end, hasMarks }));
      const first = found[0];
      const last = found.at(-1);
      if (!first || !last) return undefined;
      const isOfRun = ({ start }: { start: number }, index: number) =>
        (classify(text.codePointAt(start) ?? 0) & KIND) === UNSPACED &&
        (index === 0 || found[index - 1]?.end === start);
      if (found.length > 1 && !found.every(isOfRun)) return undefined;
      const hasMarks = found.some((word) => word.hasMarks);
      return { word: wordAt(first.start, last.end, hasMarks), isSegmented: found.length > 1 };
    },
  };
}

/** Calls `onWord` with each word of a text in normal form; without a segmenter, not with those of scripts without spaces. */
function scan(
  text: string,
  classify: Classify,
  segmenter: Intl.Segmenter | undefined,
  onWord: OnWord,
  onCharacter?: OnCharacter,
): void {
  const kindAt = (index: number) =>
    index < text.length ? classify(text.codePointAt(index) ?? 0) & KIND : -1;
  const sizeAt = (index: number) => ((text.charCodeAt(index) & 0xfc00) === 0xd800 ? 2 : 1);
  let splitRun: SplitRun | undefined;
  let index = 0;
  while (index < text.length) {
    const kind = kindAt(index);
    if (kind === LETTER || kind === DIGIT) index = scanWord(index, kind);
    else if (kind === UNSPACED) index = scanRun(index);
    else index += sizeAt(index);
  }

  function scanWord(start: number, first: number): number {
    let end = start + sizeAt(start);
    let last = first;
    let hasMarks = false;
    for (;;) {
      const kind = kindAt(end);
      if (kind === LETTER || kind === DIGIT || kind === MARK) {
        last = kind;
        hasMarks ||= kind === MARK;
        end += sizeAt(end);
        continue;
      }
      if (kind !== APOSTROPHE && kind !== POINT) break;
      const next = kindAt(end + 1);
      const isJoined =
        kind === APOSTROPHE ? next === LETTER || next === DIGIT : last === DIGIT && next === DIGIT;
      if (!isJoined) break;
      last = next;
      end += 1 + sizeAt(end + 1);
    }
    onWord(start, end, hasMarks, false);
    return end;
  }

  function scanRun(start: number): number {
    let end = start;
    let hasMarks = false;
    for (let kind = UNSPACED; kind === UNSPACED || kind === MARK; kind = kindAt(end)) {
      hasMarks ||= kind === MARK;
      end += sizeAt(end);
    }
    if (onCharacter) scanCharacters(start, end, onCharacter);
    if (!segmenter) return end;
    splitRun ??= createRunSplitter(text, segmenter);
    splitRun(start, end, (from, to) => onWord(from, to, hasMarks, true));
    return end;
  }

  function scanCharacters(start: number, runEnd: number, onCharacter: OnCharacter): void {
    for (let from = start; from < runEnd; ) {
      let to = from + sizeAt(from);
      const first = to;
      while (to < runEnd && kindAt(to) === MARK) to += sizeAt(to);
      onCharacter(from, to, to > first);
      from = to;
    }
  }
}

interface LowerCase {
  /** The whole text; undefined where it is made word by word. */
  readonly lower: string | undefined;
  wordAt(start: number, end: number, hasMarks: boolean): string;
}

/** Lower case of parts of a text, made of the whole at once where that gives the same. */
function createLowerCase(text: string, classify: Classify): LowerCase {
  // Only for İ, which becomes two, and Σ, which depends on what follows it, must a word be looked at by itself.
  const isSimple = !/[\u0130\u03a3]/.test(text);
  const lower = isSimple ? withPlainApostrophes(text.toLowerCase()) : text;
  return {
    lower: isSimple ? lower : undefined,
    wordAt(start, end, hasMarks) {
      const part = lower.slice(start, end);
      const word = isSimple ? part : withPlainApostrophes(part.toLowerCase());
      // A small letter may compose where the capital could not: J and a caron are two characters, ǰ is one.
      return hasMarks ? toNormalForm(word, classify).text : word;
    },
  };
}

function withPlainApostrophes(text: string): string {
  return text.includes("’") ? text.replaceAll("’", "'") : text;
}
