// A sorted text file whose lines are found by their first word, with one read each: of every page only its first key is in memory.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

export interface SortedFile {
  /** The line that begins with the key and a space; undefined when there is none. */
  find(key: string): string | undefined;
  close(): void;
}

const PAGE_BYTES = 16_384;
/** The longest line of an index of WordNet 3.1 has 331. */
const MAX_LINE_BYTES = 1_024;
const NEWLINE = 10;

interface Page {
  readonly firstKey: Buffer;
  readonly offset: number;
}

/** Lines are in the order of their bytes (C locale), the first words of lines differ, and none begins with a space but a heading. */
export function openSortedFile(path: string): SortedFile {
  const file = openSync(path, "r");
  const size = fstatSync(file).size;
  const pages = listPages(file, size);

  return {
    find(key) {
      // With the space: "whale " is before "whale_oil ".
      const wanted = Buffer.from(`${key} `);
      const at = findPage(pages, wanted);
      const page = pages[at];
      if (!page) return undefined;
      const end = pages[at + 1]?.offset ?? size;
      const bytes = readAt(file, page.offset, end - page.offset);
      const start = bytes.subarray(0, wanted.length).equals(wanted)
        ? 0
        : bytes.indexOf(Buffer.concat([Buffer.from("\n"), wanted])) + 1;
      if (start === 0 && !bytes.subarray(0, wanted.length).equals(wanted)) return undefined;
      const lineEnd = bytes.indexOf(NEWLINE, start);
      return bytes.subarray(start, lineEnd === -1 ? bytes.length : lineEnd).toString("utf8");
    },
    close: () => closeSync(file),
  };
}

/** The first line that begins in each page. */
function listPages(file: number, size: number): Page[] {
  const pages: Page[] = [];
  for (let from = 0; from < size; from += PAGE_BYTES) {
    const bytes = readAt(file, from, MAX_LINE_BYTES);
    const start = from === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
    const space = bytes.indexOf(" ", start + 1);
    if (from > 0 && start === 0) continue;
    if (space === -1) continue;
    pages.push({ firstKey: Buffer.from(bytes.subarray(start, space + 1)), offset: from + start });
  }
  return pages;
}

/** The last page that does not begin after the key. */
function findPage(pages: readonly Page[], key: Buffer): number {
  let [low, high] = [0, pages.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (Buffer.compare(pages[middle]?.firstKey ?? key, key) <= 0) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  const read = readSync(file, bytes, 0, length, offset);
  return bytes.subarray(0, read);
}
