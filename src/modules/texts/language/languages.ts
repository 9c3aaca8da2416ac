// The language of a text and the stems of its words. What knows them is large, and loaded when it is first needed.
import { FUNCTION_WORD_LANGS, LANGS_OF_FUNCTION_WORD, MAX_FUNCTION_WORD_UNITS } from "./function-words.ts";
import { ENGLISH_STOP_WORDS } from "./stop-words.ts";

/** ISO 639-1 to Snowball's name, for all that Snowball has. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  ar: "arabic",
  ca: "catalan",
  cs: "czech",
  da: "danish",
  de: "german",
  en: "english",
  es: "spanish",
  eu: "basque",
  fi: "finnish",
  fr: "french",
  ga: "irish",
  hu: "hungarian",
  hy: "armenian",
  it: "italian",
  nl: "dutch",
  no: "norwegian",
  pt: "portuguese",
  ro: "romanian",
  ru: "russian",
  sl: "slovene",
  sv: "swedish",
  ta: "tamil",
  tr: "turkish",
};

/** No language was recognised. */
export const UNKNOWN = "und";
/** A text of so many UTF-16 units without any of a language's commonest words is in none that we know. */
const LONG_UNITS = 200;
/** Below it the guess by letters is as often wrong as right. */
const MIN_ACCURACY = 0.25;
const BEYOND_ASCII = /[\u0080-\uffff]/;
/** A word longer than any of a language is left alone. */
const MAX_STEM_UNITS = 64;
const REMEMBERED_STEMS = 50_000;

export interface WordsOfText {
  readonly wordCount: number;
  /** Of those words at least that are telling, see isTelling. */
  readonly counts: ReadonlyMap<string, number>;
}

export interface Languages {
  /** ISO 639-1, or UNKNOWN. */
  recognise(content: string, text: WordsOfText): Promise<string>;
  /** To be awaited before `stem`. */
  load(): Promise<void>;
  hasStems(lang: string): boolean;
  /** A word itself where the language has no stems. */
  stem(lang: string, word: string): string;
}

/** Only words have stems: no numbers, no characters of scripts without spaces, no digests of very long words. */
export function isStemmable(word: string): boolean {
  return /^\p{L}/u.test(word);
}

/** Whether a word says something of the language of its text, or of what its length is to a score. */
export function isTelling(word: string): boolean {
  return LANGS_OF_FUNCTION_WORD.has(word) || ENGLISH_STOP_WORDS.has(word);
}

export function isStopWord(word: string): boolean {
  return ENGLISH_STOP_WORDS.has(word);
}

/** Words of a text that its length to a score is made of. */
export function scoredCount(lang: string, { wordCount, counts }: WordsOfText): number {
  if (lang !== "en") return wordCount;
  let stopCount = 0;
  if (counts.size < ENGLISH_STOP_WORDS.size) {
    for (const [word, count] of counts) if (ENGLISH_STOP_WORDS.has(word)) stopCount += count;
  } else for (const word of ENGLISH_STOP_WORDS) stopCount += counts.get(word) ?? 0;
  return wordCount - stopCount;
}

type Stemmer = { stem(word: string): string };

export function createLanguages(): Languages {
  const stemmers = new Map<string, Stemmer>();
  const stems = new Map<string, Map<string, string>>();
  let newStemmer: ((algorithm: string) => Stemmer) | undefined;

  return {
    async recognise(content, text) {
      const sure = byFunctionWords(text) ?? byScript(content);
      if (sure !== undefined) return sure;
      if (content.length >= LONG_UNITS) return UNKNOWN;
      // Of a few words in plain Latin letters the guess is no better than English, and takes longer than all else that is done with them.
      if (!BEYOND_ASCII.test(content)) return fallback(content);
      const { detectAll } = await import("tinyld/light");
      const [best] = detectAll(content);
      if (best && best.accuracy >= MIN_ACCURACY && best.lang in ALGORITHMS) return best.lang;
      return fallback(content);
    },
    async load() {
      newStemmer ??= (await import("snowball-stemmers")).newStemmer;
    },
    hasStems: (lang) => lang in ALGORITHMS,
    stem(lang, word) {
      const algorithm = ALGORITHMS[lang];
      if (algorithm === undefined || word.length > MAX_STEM_UNITS) return word;
      const before = stems.get(lang);
      const known = before && before.size < REMEMBERED_STEMS ? before : new Map<string, string>();
      if (known !== before) stems.set(lang, known);
      const remembered = known.get(word);
      if (remembered !== undefined) return remembered;
      if (!newStemmer) throw new Error("the stems were asked for before they were loaded");
      const stemmer = stemmers.get(lang) ?? newStemmer(algorithm);
      stemmers.set(lang, stemmer);
      const stem = stemmer.stem(word) || word;
      known.set(word, stem);
      return stem;
    },
  };
}

const NO_LANGS: readonly number[] = [];
/** So many of them are no chance. */
const MIN_FUNCTION_WORDS = 2;

/** The one whose commonest words are a tenth of the text at least, and more than those of any other. */
function byFunctionWords({ wordCount, counts }: WordsOfText): string | undefined {
  const found = new Uint32Array(FUNCTION_WORD_LANGS.length);
  for (const [word, count] of counts) {
    if (word.length > MAX_FUNCTION_WORD_UNITS) continue;
    for (const lang of LANGS_OF_FUNCTION_WORD.get(word) ?? NO_LANGS) found[lang] = (found[lang] ?? 0) + count;
  }
  let best = 0;
  let isTied = false;
  for (let lang = 1; lang < found.length; lang++) {
    const [count = 0, most = 0] = [found[lang], found[best]];
    if (count > most) [best, isTied] = [lang, false];
    else if (count === most) isTied = true;
  }
  const bestCount = found[best] ?? 0;
  const isSure = !isTied && bestCount >= MIN_FUNCTION_WORDS && bestCount * 10 >= wordCount;
  return isSure ? FUNCTION_WORD_LANGS[best] : undefined;
}

/** Scripts that one language of ours alone is written in. */
const SCRIPTS: readonly (readonly [RegExp, string])[] = [
  [/\p{sc=Hiragana}|\p{sc=Katakana}/u, "ja"],
  [/\p{sc=Hangul}/u, "ko"],
  [/\p{sc=Han}/u, "zh"],
  [/\p{sc=Thai}/u, "th"],
  [/\p{sc=Arabic}/u, "ar"],
  [/\p{sc=Greek}/u, "el"],
  [/\p{sc=Hebrew}/u, "he"],
  [/\p{sc=Armenian}/u, "hy"],
  [/\p{sc=Tamil}/u, "ta"],
];

function byScript(content: string): string | undefined {
  const letter = content.match(/\p{L}/u)?.[0];
  if (letter === undefined || letter < "\u0370") return undefined;
  // The first letters decide, so that the length of a text does not matter.
  const beginning = content.slice(0, LONG_UNITS);
  return SCRIPTS.find(([script]) => script.test(beginning))?.[1];
}

function fallback(content: string): string {
  const isLatin = /\p{sc=Latin}/u.test(content.slice(0, LONG_UNITS));
  return isLatin && content.length < LONG_UNITS ? "en" : UNKNOWN;
}
