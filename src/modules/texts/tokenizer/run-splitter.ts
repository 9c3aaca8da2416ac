// Words in scripts that put no spaces between them (Han, Kana, Thai, Lao, Khmer, Myanmar), by the dictionaries of Intl.Segmenter.

/** At most 1 kB in three-byte characters goes to Intl.Segmenter at once: some ICU versions take quadratic time. */
const PIECE_UNITS = 340;
/** A word that ends so near to the end of a piece is looked at again together with what follows, as it may go on there. */
const OVERLAP_UNITS = 40;

/** Calls `onWord` for each word of a run. Runs must come in order. */
export type SplitRun = (start: number, end: number, onWord: (start: number, end: number) => void) => void;

/** A piece may span many runs: short ones between commas would each cost a call that takes microseconds. */
export function createRunSplitter(text: string, segmenter: Intl.Segmenter): SplitRun {
  let ends: number[] = [];
  let next = 0;
  let pieceStart = 0;
  let settled = 0;

  function readPiece(start: number): void {
    const cut = Math.min(start + PIECE_UNITS, text.length);
    const isInsidePair = cut < text.length && (text.charCodeAt(cut) & 0xfc00) === 0xdc00;
    const piece = text.slice(start, isInsidePair ? cut - 1 : cut);
    ends = [];
    for (const { index, segment } of segmenter.segment(piece)) ends.push(start + index + segment.length);
    next = 0;
    pieceStart = start;
    settled = cut === text.length ? cut : cut - OVERLAP_UNITS;
  }

  return (start, end, onWord) => {
    for (let from = start; from < end; ) {
      while ((ends[next] ?? Number.POSITIVE_INFINITY) <= from) next++;
      const wordEnd = ends[next] ?? Number.POSITIVE_INFINITY;
      if (wordEnd > settled && (from > pieceStart || wordEnd === Number.POSITIVE_INFINITY)) {
        readPiece(from);
        continue;
      }
      const to = Math.min(wordEnd, end);
      onWord(from, to);
      from = to;
    }
  };
}
