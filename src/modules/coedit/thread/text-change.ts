// Makes a shared text say something else by as small a change as may be, so that what others write beside it stays.
import type { Text } from "yjs";

interface Lines {
  readonly from: number;
  readonly lines: readonly string[];
}

/** Beyond so many differing lines a finer comparison would take too long. */
const MAX_LINES = 2_000;

/**
 * Within a transaction. `base` is what whoever wants it has seen: what the text says beyond that, of which he knows nothing,
 * stays.
 */
export function changeText(text: Text, wanted: string, base: string): void {
  const now = text.toString();
  const meant = listChanges(base, wanted);
  const changes = base === now ? meant : moveChanges(meant, base, now);
  // From the end, so that places before a change stay where they are.
  for (const { from, removed, inserted } of changes.toReversed()) {
    if (removed > 0) text.delete(from, removed);
    if (inserted !== "") text.insert(from, inserted);
  }
}

export interface TextChange {
  /** In the text before, UTF-16 code units. */
  readonly from: number;
  readonly removed: number;
  readonly inserted: string;
}

/** In their order, none overlapping another. */
export function listChanges(before: string, after: string): TextChange[] {
  const head = commonHead(before, after);
  const tail = commonTail(before, after, head);
  const [old, fresh] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  if (old === "" && fresh === "") return [];
  const [oldLines, freshLines] = [toLines(old), toLines(fresh)];
  if (
    oldLines.length > MAX_LINES ||
    freshLines.length > MAX_LINES ||
    oldLines.length < 2 ||
    freshLines.length < 2
  )
    return [{ from: head, removed: old.length, inserted: fresh }];
  return byLines({ from: head, lines: oldLines }, freshLines);
}

/** Changes of a text, as changes of what has become of it meanwhile. */
export function moveChanges(changes: readonly TextChange[], before: string, now: string): TextChange[] {
  const places = listPlaces(before, now);
  const moved: TextChange[] = [];
  for (const { from, removed, inserted } of changes) {
    let at = from;
    while (at < before.length && places[at] === GONE) at++;
    const start = at < before.length ? (places[at] ?? now.length) : now.length;
    let rest = inserted;
    let change = { from: start, removed: 0 };
    for (let index = at; index < from + removed; index++) {
      const place = places[index] ?? GONE;
      if (place === GONE) continue;
      // What others have put in between stays.
      if (place !== change.from + change.removed) {
        moved.push({ ...change, inserted: rest });
        rest = "";
        change = { from: place, removed: 0 };
      }
      change.removed++;
    }
    moved.push({ ...change, inserted: rest });
  }
  return moved;
}

const GONE = 0xffff_ffff;

/** Where each unit of a text stands in what has become of it. */
function listPlaces(before: string, now: string): Uint32Array {
  const places = new Uint32Array(before.length).fill(GONE);
  let [index, place] = [0, 0];
  for (const { from, removed, inserted } of listChanges(before, now)) {
    while (index < from) places[index++] = place++;
    index += removed;
    place += inserted.length;
  }
  while (index < before.length) places[index++] = place++;
  return places;
}

/** Blocks of lines that differ, each made as small as its ends allow. */
function byLines({ from, lines }: Lines, fresh: readonly string[]): TextChange[] {
  const lengths = commonLengths(lines, fresh);
  const changes: TextChange[] = [];
  let [row, column, at] = [0, 0, from];
  while (row < lines.length || column < fresh.length) {
    const start = at;
    let [removed, inserted] = ["", ""];
    while (row < lines.length || column < fresh.length) {
      const line = lines[row];
      if (line !== undefined && line === fresh[column]) break;
      const down = lengths[row + 1]?.[column] ?? -1;
      const right = lengths[row]?.[column + 1] ?? -1;
      if (line !== undefined && (column >= fresh.length || down >= right)) {
        removed += line;
        at += line.length;
        row++;
      } else inserted += fresh[column++] ?? "";
    }
    if (removed !== "" || inserted !== "") changes.push(trimmed(start, removed, inserted));
    while (row < lines.length && lines[row] === fresh[column]) {
      at += lines[row]?.length ?? 0;
      row++;
      column++;
    }
  }
  return changes;
}

function trimmed(from: number, removed: string, inserted: string): TextChange {
  const head = commonHead(removed, inserted);
  const tail = commonTail(removed, inserted, head);
  return {
    from: from + head,
    removed: removed.length - head - tail,
    inserted: inserted.slice(head, inserted.length - tail),
  };
}

/** Length of the longest common run of lines from each place on. */
function commonLengths(one: readonly string[], other: readonly string[]): Uint16Array[] {
  const table = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let row = one.length - 1; row >= 0; row--) {
    const [here, below] = [table[row], table[row + 1]];
    if (!here || !below) continue;
    for (let column = other.length - 1; column >= 0; column--) {
      here[column] =
        one[row] === other[column]
          ? (below[column + 1] ?? 0) + 1
          : Math.max(below[column] ?? 0, here[column + 1] ?? 0);
    }
  }
  return table;
}

function toLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Never ends within a character of two units. */
function commonHead(one: string, other: string): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length++;
  return isHigh(one, length - 1) ? length - 1 : length;
}

function commonTail(one: string, other: string, head: number): number {
  const most = Math.min(one.length, other.length) - head;
  let length = 0;
  while (
    length < most &&
    one.charCodeAt(one.length - 1 - length) === other.charCodeAt(other.length - 1 - length)
  )
    length++;
  return length > 0 && isLow(one, one.length - length) ? length - 1 : length;
}

function isHigh(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xd800;
}

function isLow(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00;
}
