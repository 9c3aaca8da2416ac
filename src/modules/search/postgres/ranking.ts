// BM25 as Lucene computes it (BM25Similarity, since version 8): k1 1.2, b 0.75, no factor k1 + 1, lengths in a byte.
import { fromLengthByte } from "../../texts/index.ts";

const K1 = 1.2;
const B = 0.75;

export interface Statistics {
  /** Documents of the project. */
  readonly documents: number;
  /** Words of all of them together, stop words left out. */
  readonly scoredWords: number;
}

/** How much rarer words count for more: ln(1 + (N - n + 0.5) / (n + 0.5)). */
export function inverseFrequency(documents: number, withTerm: number): number {
  // The two may be of different moments: on a later page more have the term than there were documents on the first.
  return Math.log(1 + Math.max(0, documents - withTerm + 0.5) / (withTerm + 0.5));
}

/** For each length byte what is added to the count of a word below the line: k1 (1 - b + b length / average). */
export function lengthNorms({ documents, scoredWords }: Statistics): Float64Array {
  const average = documents > 0 ? Math.max(1, scoredWords) / documents : 1;
  return Float64Array.from({ length: 256 }, (_, byte) => K1 * (1 - B + (B * fromLengthByte(byte)) / average));
}

/** How little of a score is left to a stem where the word itself was all that was asked for. */
const STEM_LOSS = 0.9;

/**
 * Parts of a score by how a word was matched: itself, by its stem, with one letter wrong, with two. Who asks for one word means it,
 * and gets it first; in a sentence its form means little, and what is left is the plain BM25 of stems.
 */
export function levelFactors(scoredTerms: number): readonly number[] {
  const stem = 1 - STEM_LOSS / Math.max(1, scoredTerms) ** 2;
  return [1, stem, 0.6 * stem, 0.4 * stem];
}
