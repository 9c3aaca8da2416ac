// CSV (RFC 4180) with a header that names the column `content`; the other columns are let go by.
import { MAX_CONTENT_UNITS } from "../model.ts";
import { type Piece, type Reader, toPiece } from "./format.ts";
import type { Line } from "./lines.ts";

/** The comma of the standard, and what spreadsheets write where the comma is the decimal point. */
const DELIMITERS = [",", ";", "\t"];
const COLUMN = "content";

/** @param refuse says no to a file without the column. */
export function createCsvReader(refuse: () => Error): Reader {
  let record: RecordReader | undefined;
  return {
    push(line, out) {
      if (record) record.push(line, out);
      else record = readHeader(line.text);
      if (!record) throw refuse();
    },
    end(out) {
      if (!record) throw refuse();
      record.end(out);
    },
  };
}

function readHeader(text: string): RecordReader | undefined {
  for (const delimiter of DELIMITERS) {
    const column = splitFields(text, delimiter).findIndex((name) => name.trim().toLowerCase() === COLUMN);
    if (column !== -1) return createRecordReader(delimiter, column);
  }
  return undefined;
}

/** The fields of a record on one line. */
function splitFields(text: string, delimiter: string): string[] {
  const fields = [""];
  let isQuoted = false;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    else if (character === delimiter && !isQuoted) fields.push("");
    else fields.push((fields.pop() ?? "") + character);
  }
  return fields;
}

type RecordReader = Reader;

/** Where in a record we are: a record may go over many lines within quotation marks. */
type Place = "start" | "quoted" | "closed";

function createRecordReader(delimiter: string, column: number): RecordReader {
  let start = 0;
  let field = 0;
  let place: Place = "start";
  let content: string | undefined;
  let problem: Line["problem"];
  let isBroken = false;

  function keep(text: string): void {
    if (field !== column || problem) return;
    content = (content ?? "") + text;
    if (content.length > MAX_CONTENT_UNITS) {
      problem = "TOO_LONG";
      content = "";
    }
  }

  function finish(out: Piece[]): void {
    if (isBroken) out.push({ kind: "rejected", line: start, code: "INVALID_CSV" });
    else if (content === undefined && !problem)
      out.push({ kind: "rejected", line: start, code: "CONTENT_MISSING" });
    else out.push(toPiece(start, content ?? "", problem));
    start = 0;
    field = 0;
    place = "start";
    content = undefined;
    problem = undefined;
    isBroken = false;
  }

  /** Reads a field, or what this line has of it, from `index`; returns where it ended. */
  function readField(text: string, index: number): number {
    if (place === "start" && text[index] !== '"') {
      const end = text.indexOf(delimiter, index);
      const stop = end === -1 ? text.length : end;
      keep(text.slice(index, stop));
      return stop;
    }
    let at = place === "start" ? index + 1 : index;
    place = "quoted";
    keep("");
    for (;;) {
      const quote = text.indexOf('"', at);
      keep(text.slice(at, quote === -1 ? text.length : quote));
      if (quote === -1) return text.length;
      if (text[quote + 1] !== '"') {
        place = "closed";
        return quote + 1;
      }
      keep('"');
      at = quote + 2;
    }
  }

  return {
    push(line, out) {
      if (start === 0) {
        if (line.text === "" && !line.problem) return;
        start = line.number;
      } else {
        keep("\n");
      }
      problem ??= line.problem;
      const { text } = line;
      for (let index = 0; ; index++) {
        index = readField(text, index);
        if (place === "quoted") return;
        if (index >= text.length) break;
        // After a closing mark only the delimiter may come. The rest of the line is let go.
        if (text[index] !== delimiter) {
          isBroken = true;
          break;
        }
        place = "start";
        field++;
      }
      finish(out);
    },
    end(out) {
      if (start === 0) return;
      isBroken = true;
      finish(out);
    },
  };
}
