// Bytes to lines, in the memory of one line: UTF-8 checked, any of LF, CRLF and CR ends a line, a byte-order mark is dropped.

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end. With a problem: as much of it as could be read. */
  readonly text: string;
  readonly problem?: "INVALID_UTF8" | "TOO_LONG";
}

/** More than the longest paragraph takes, even written as \uXXXX in JSON; a longer line is let go by and reported. */
export const MAX_LINE_BYTES = 1_048_576;

const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = "\ufeff";

export interface LineSplitter {
  /** The lines that end in this chunk. */
  push(chunk: Uint8Array): Line[];
  /** The last line, if the text does not end with a line end. */
  end(): Line[];
}

export function createLineSplitter(): LineSplitter {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const lossy = new TextDecoder("utf-8", { ignoreBOM: true });
  /** What came after the last line end, in the pieces in which it came: joining them anew each time would be quadratic. */
  let carried: Uint8Array[] = [];
  let carriedBytes = 0;
  let isSkipping = false;
  let number = 0;

  function toLine(bytes: Uint8Array): Line {
    number++;
    if (isSkipping) {
      isSkipping = false;
      return { number, text: "", problem: "TOO_LONG" };
    }
    try {
      return { number, text: withoutMark(strict.decode(bytes)) };
    } catch {
      return { number, text: withoutMark(lossy.decode(bytes)), problem: "INVALID_UTF8" };
    }
  }

  function withoutMark(text: string): string {
    return number === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  }

  /** Whole lines at once where all is well, which is ten times as fast as line by line. */
  function split(bytes: Uint8Array): Line[] {
    if (!isSkipping) {
      try {
        const texts = strict.decode(bytes).split(/\r\n|\n|\r/);
        // What is after the last line end is nothing, as the bytes end with one.
        texts.pop();
        return texts.map((text) => {
          number++;
          return { number, text: withoutMark(text) };
        });
      } catch {
        // One of the lines is not UTF-8: find out which.
      }
    }
    return splitBytes(bytes).map(toLine);
  }

  function carry(bytes: Uint8Array): void {
    // A copy: the chunk's memory belongs to the stream. Not slice(), which a Buffer answers with the same memory.
    carried.push(new Uint8Array(bytes));
    carriedBytes += bytes.length;
    if (carriedBytes <= MAX_LINE_BYTES) return;
    isSkipping = true;
    keepCarried(new Uint8Array(bytes.subarray(-1)));
  }

  function keepCarried(bytes: Uint8Array): void {
    carried = bytes.length === 0 ? [] : [bytes];
    carriedBytes = bytes.length;
  }

  return {
    push(chunk) {
      const endsWithReturn = carried.at(-1)?.at(-1) === CR;
      if (!endsWithReturn && endOfLines(chunk) === 0) {
        if (chunk.length > 0) carry(chunk);
        return [];
      }
      const bytes = carriedBytes === 0 ? chunk : Buffer.concat([...carried, chunk]);
      const end = endOfLines(bytes);
      const lines = end === 0 ? [] : split(bytes.subarray(0, end));
      keepCarried(new Uint8Array());
      if (end < bytes.length) carry(bytes.subarray(end));
      return lines;
    },
    end() {
      const bytes = Buffer.concat(carried);
      keepCarried(new Uint8Array());
      if (bytes.length === 0) return [];
      // A CR at the very end was kept, since a LF might have followed it.
      return [toLine(bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes)];
    },
  };
}

/** Where the last line that surely ends here ends: a CR as the last byte may be half of a CRLF. */
function endOfLines(bytes: Uint8Array): number {
  for (let index = bytes.length - 1; index >= 0; index--) {
    if (bytes[index] === LF) return index + 1;
    if (bytes[index] === CR && index < bytes.length - 1) return index + 1;
  }
  return 0;
}

/** The lines without their ends; the bytes end with one. */
function splitBytes(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    let to = from;
    while (to < bytes.length && bytes[to] !== LF && bytes[to] !== CR) to++;
    lines.push(bytes.subarray(from, to));
    from = bytes[to] === CR && bytes[to + 1] === LF ? to + 2 : to + 1;
  }
  return lines;
}
