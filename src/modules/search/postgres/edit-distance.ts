// How many slips of the pen part two words: a letter too many, missing, wrong, or two neighbours swapped (Damerau, Levenshtein).

/** Letters from which on one slip is forgiven, and two. */
const ONE_FROM = 4;
const TWO_FROM = 8;

/** How many slips are forgiven in a word; letters are counted, whatever their code units. */
export function allowedDistance(word: string): number {
  const letters = [...word].length;
  return letters >= TWO_FROM ? 2 : letters >= ONE_FROM ? 1 : 0;
}

/** The distance, or more than `bound` when it is more. Compares code units: a letter beyond the basic plane counts as two. */
export function editDistance(a: string, b: string, bound: number): number {
  const over = bound + 1;
  if (Math.abs(a.length - b.length) > bound) return over;
  let before: number[] = [];
  let last: number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    let least = row;
    const letter = a.charCodeAt(row - 1);
    for (let column = 1; column <= b.length; column++) {
      const other = b.charCodeAt(column - 1);
      let cost = Math.min(
        (last[column] ?? over) + 1,
        (current[column - 1] ?? over) + 1,
        (last[column - 1] ?? over) + (letter === other ? 0 : 1),
      );
      const isSwap =
        row > 1 && column > 1 && letter === b.charCodeAt(column - 2) && other === a.charCodeAt(row - 2);
      if (isSwap) cost = Math.min(cost, (before[column - 2] ?? over) + 1);
      current.push(cost);
      least = Math.min(least, cost);
    }
    if (least > bound) return over;
    before = last;
    last = current;
  }
  return Math.min(last[b.length] ?? over, over);
}

/** The letters of a word as bits, so that most words that are too far are seen to be so at once. */
export function letterBits(word: string): number {
  let bits = 0;
  for (let index = 0; index < word.length; index++) bits |= 1 << (word.charCodeAt(index) & 31);
  return bits >>> 0;
}

/** Each slip changes two bits at most. */
export function mayBeNear(bits: number, other: number, bound: number): boolean {
  return countBits(bits ^ other) <= 2 * bound;
}

function countBits(value: number): number {
  let bits = value - ((value >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
