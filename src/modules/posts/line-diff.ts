// How many lines an edit added and removed: as few as there are where that can be found soon, and always a true account.

export interface LineCounts {
  readonly added: number;
  readonly removed: number;
}

/** Lines of a text; an end of line after the last one adds none, and CRLF, LF and CR are the same. */
export function splitLines(text: string): string[] {
  if (text === "") return [];
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

export function countLines(text: string): number {
  return splitLines(text).length;
}

/** Steps of the exact search, some 10 ms; what differs more is counted by the lines that both have once. */
const MAX_STEPS = 2_000_000;

export function diffLines(before: string, after: string, maxSteps = MAX_STEPS): LineCounts {
  const { a, b } = number(splitLines(before), splitLines(after));
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const changedA = a.subarray(start, endA);
  const changedB = b.subarray(start, endB);
  const common = countCommon(changedA, changedB, maxSteps) ?? countAnchored(changedA, changedB);
  return { added: changedB.length - common, removed: changedA.length - common };
}

/** Each different line gets a number, so that comparing two is comparing numbers. */
function number(before: readonly string[], after: readonly string[]): { a: Int32Array; b: Int32Array } {
  const numbers = new Map<string, number>();
  const toNumber = (line: string) => {
    const known = numbers.get(line);
    if (known !== undefined) return known;
    numbers.set(line, numbers.size);
    return numbers.size - 1;
  };
  return { a: Int32Array.from(before, toNumber), b: Int32Array.from(after, toNumber) };
}

/** Length of the longest common subsequence by Myers' greedy search, O((n + m) d); undefined when it takes too many steps. */
function countCommon(a: Int32Array, b: Int32Array, maxSteps: number): number | undefined {
  const total = a.length + b.length;
  if (a.length === 0 || b.length === 0) return 0;
  // Furthest place in a on each diagonal; d can grow only as far as the steps allow, and so can the array.
  const reach = Math.min(total, Math.ceil(Math.sqrt(2 * maxSteps)) + 1);
  const furthest = new Int32Array(2 * reach + 3);
  const middle = reach + 1;
  let steps = 0;
  for (let d = 0; d <= reach; d++) {
    for (let k = -d; k <= d; k += 2) {
      const down = furthest[middle + k + 1] ?? 0;
      const right = (furthest[middle + k - 1] ?? 0) + 1;
      let x = k === -d || (k !== d && right <= down) ? down : right;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++;
        y++;
        steps++;
      }
      furthest[middle + k] = x;
      if (x >= a.length && y >= b.length) return (total - d) / 2;
      if (++steps > maxSteps) return undefined;
    }
  }
  return undefined;
}

/** Length of a common subsequence: the lines that each side has once, in the order of both. */
function countAnchored(a: Int32Array, b: Int32Array): number {
  const placesInB = onlyPlaces(b);
  const onlyInA = onlyPlaces(a);
  const places: number[] = [];
  for (const [line, placeInA] of onlyInA) {
    const placeInB = placesInB.get(line);
    if (placeInA !== undefined && placeInB !== undefined) places.push(placeInB);
  }
  return longestRise(places);
}

/** Lines with their place, in the order of first places; undefined for those that come again. */
function onlyPlaces(lines: Int32Array): Map<number, number | undefined> {
  const places = new Map<number, number | undefined>();
  for (const [place, line] of lines.entries()) places.set(line, places.has(line) ? undefined : place);
  return places;
}

/** Length of the longest rising subsequence, by patience sorting. */
function longestRise(places: readonly number[]): number {
  const tops: number[] = [];
  for (const place of places) {
    let low = 0;
    let high = tops.length;
    while (low < high) {
      const half = (low + high) >> 1;
      if ((tops[half] ?? 0) < place) low = half + 1;
      else high = half;
    }
    tops[low] = place;
  }
  return tops.length;
}
