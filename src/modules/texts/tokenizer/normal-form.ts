// NFKC of a text, in linear time on any input, with the way back to the offsets of the text as it was stored.
import { type Classify, EXTENDS, IGNORED, NEEDS_NORMAL_FORM } from "./characters.ts";

/**
 * Marks that are brought to normal form together at most. ICU sorts a run of marks by insertion: 100,000 of them take seconds.
 * The same bound as the Stream-Safe Text Format (Unicode Annex 15, UAX15-D4), under which no language has as many.
 */
const MAX_EXTENDING = 30;

/** Four numbers for each place that changed: start and end in the normal form, start and end in the stored text. */
type Changes = readonly number[];

export interface NormalForm {
  readonly text: string;
  readonly changes: Changes;
}

/** The text in NFKC without its invisible characters. Thai and Lao AM stay whole. */
export function toNormalForm(content: string, classify: Classify): NormalForm {
  if (isAscii(content)) return { text: content, changes: [] };
  const parts: string[] = [];
  const changes: number[] = [];
  let length = 0;
  let copied = 0;
  let index = 0;
  let previous = 0;
  while (index < content.length) {
    const codePoint = content.codePointAt(index) ?? 0;
    const character = classify(codePoint);
    if ((character & NEEDS_NORMAL_FORM) === 0) {
      previous = index;
      index += codePoint > 0xffff ? 2 : 1;
      continue;
    }
    const start = character & (EXTENDS | IGNORED) ? Math.max(previous, copied) : index;
    const end = endOfCluster(content, index, classify);
    const stored = content.slice(start, end);
    const normal = normalize(stored, classify);
    if (normal !== stored) {
      const kept = start - copied;
      parts.push(content.slice(copied, start), normal);
      changes.push(length + kept, length + kept + normal.length, start, end);
      length += kept + normal.length;
      copied = end;
    }
    previous = end;
    index = end;
  }
  if (changes.length === 0) return { text: content, changes: [] };
  parts.push(content.slice(copied));
  return { text: parts.join(""), changes };
}

/** Turns ascending ranges of the normal form into ranges of the stored text; a range within a change becomes all of it. */
export function createOffsetMap(changes: Changes): (start: number, end: number) => readonly [number, number] {
  let next = 0;
  const at = (change: number, field: number) => changes[change * 4 + field] ?? Number.POSITIVE_INFINITY;
  return (start, end) => {
    while (at(next, 0) <= start) next++;
    const storedStart = toStored(next - 1, start, 2);
    let last = next;
    while (at(last, 0) < end) last++;
    return [storedStart, toStored(last - 1, end, 3)];
  };

  function toStored(change: number, offset: number, inside: number): number {
    if (change < 0) return offset;
    return offset < at(change, 1) ? at(change, inside) : at(change, 3) + offset - at(change, 1);
  }
}

function isAscii(content: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII begins with them.
  return /^[\x00-\x7f]*$/.test(content);
}

/** The first character at `index` and all that compose with it. */
function endOfCluster(content: string, index: number, classify: Classify): number {
  let end = index + ((content.codePointAt(index) ?? 0) > 0xffff ? 2 : 1);
  for (let extending = 0; extending < MAX_EXTENDING && end < content.length; ) {
    const codePoint = content.codePointAt(end) ?? 0;
    const character = classify(codePoint);
    if ((character & (EXTENDS | IGNORED)) === 0) break;
    if (character & EXTENDS) extending++;
    end += codePoint > 0xffff ? 2 : 1;
  }
  return end;
}

function normalize(stored: string, classify: Classify): string {
  let visible = "";
  for (const character of stored) {
    if ((classify(character.codePointAt(0) ?? 0) & IGNORED) === 0) visible += character;
  }
  return visible.normalize("NFKC").replace("\u0e4d\u0e32", "\u0e33").replace("\u0ecd\u0eb2", "\u0eb3");
}
