// What each Unicode character is to the tokenizer, as small numbers looked up in pages that are filled on first use.

const SEPARATOR = 0;
export const LETTER = 1;
export const DIGIT = 2;
export const MARK = 3;
/** Joins what stands on both of its sides. */
export const APOSTROPHE = 4;
/** Joins digits. */
export const POINT = 5;
/** Of a script that puts no spaces between words. */
export const UNSPACED = 6;
/** Mask of the numbers above; the flags below are added to them. */
export const KIND = 0x0f;
/** Composes with what stands before it, so that the two must be brought to normal form together. */
export const EXTENDS = 0x10;
/** Not in NFKC by itself. */
const UNSTABLE = 0x20;
/** Invisible (soft hyphen, joiners, direction marks): words are as if it were not there. */
export const IGNORED = 0x40;
export const NEEDS_NORMAL_FORM = EXTENDS | UNSTABLE | IGNORED;

const PAGE_BITS = 8;
const PAGE_SIZE = 1 << PAGE_BITS;

const letter = /^[\p{L}\p{N}]$/u;
const digit = /^\p{Nd}$/u;
const mark = /^\p{M}$/u;
// The scripts for which Intl.Segmenter has dictionaries, and the marks of length and repetition that Han and Kana share. Not
// scx, Script_Extensions: that has the apostrophe of Ukrainian too, since Thai once borrowed it.
const unspaced =
  /^(?=[\p{L}\p{N}])[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}〆〱-〵〼ー]$/u;
const ignorable = /^\p{Default_Ignorable_Code_Point}$/u;
/** Hangul vowels and final consonants, which compose with the letter before them (Unicode 3.12). */
const conjoining = /^[\u1161-\u1175\u11a8-\u11c2]$/u;

const ZERO_WIDTH_SPACE = 0x200b;
/** NFKC would take Thai and Lao AM apart, and no dictionary knows the pieces. */
const AM = new Set([0x0e33, 0x0eb3]);

/** The kind of a code point with its flags. */
export type Classify = (codePoint: number) => number;

/** Makes a lookup that remembers each page of 256 code points it was asked about. */
export function createClassifier(): Classify {
  const pages: (Uint8Array | undefined)[] = [];
  return (codePoint) => {
    const page = pages[codePoint >> PAGE_BITS] ?? fill(codePoint >> PAGE_BITS);
    return page[codePoint & (PAGE_SIZE - 1)] ?? SEPARATOR;
  };

  function fill(number: number): Uint8Array {
    const page = Uint8Array.from({ length: PAGE_SIZE }, (_, index) =>
      classify((number << PAGE_BITS) + index),
    );
    pages[number] = page;
    return page;
  }
}

function classify(codePoint: number): number {
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return SEPARATOR;
  const character = String.fromCodePoint(codePoint);
  // The zero-width space stands where a word may end, in Thai and Khmer; it parts.
  if (ignorable.test(character)) return codePoint === ZERO_WIDTH_SPACE ? SEPARATOR : IGNORED;
  const normal = character.normalize("NFKC");
  const [first = ""] = normal;
  const isExtending = mark.test(first) || conjoining.test(first);
  const isUnstable = normal !== character && !AM.has(codePoint);
  return kindOf(character) | (isExtending ? EXTENDS : 0) | (isUnstable ? UNSTABLE : 0);
}

function kindOf(character: string): number {
  if (character === "'" || character === "’") return APOSTROPHE;
  if (character === "." || character === ",") return POINT;
  if (digit.test(character)) return DIGIT;
  if (mark.test(character)) return MARK;
  if (unspaced.test(character)) return UNSPACED;
  return letter.test(character) ? LETTER : SEPARATOR;
}
