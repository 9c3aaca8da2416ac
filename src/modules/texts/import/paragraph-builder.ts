// Puts the lines of one paragraph together, in bounded memory however many there are.
import { MAX_CONTENT_UNITS } from "../model.ts";
import { type Piece, toPiece } from "./format.ts";
import type { Line } from "./lines.ts";

/** Two lines of such a script join without a space, as its words do. */
const ENDS_UNSPACED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]$/u;
const BEGINS_UNSPACED = /^[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]/u;
/** A hyphen or dash that stands against its word: the wrap was there only because a line may be broken after it. */
const ENDS_WITH_HYPHEN = /\S-$/;

export interface ParagraphBuilder {
  readonly isEmpty: boolean;
  /** Adds a line that goes on where the one before ended. */
  join(line: Line, text: string): void;
  /** Adds a line that stays a line of its own. */
  append(line: Line, text: string): void;
  /** Ends the paragraph, if there is one. */
  flush(out: Piece[]): void;
}

export function createParagraphBuilder(): ParagraphBuilder {
  let start = 0;
  let content = "";
  /** The last two units, apart: to look at the end of a text that is still being put together costs a copy of it. */
  let ending = "";
  let isOpen = false;
  let problem: Line["problem"];

  function add(line: Line, text: string, separator: string): void {
    if (!isOpen) start = line.number;
    content = isOpen ? content + separator + text : text;
    isOpen = true;
    ending = text.slice(-2);
    problem ??= line.problem ?? (content.length > MAX_CONTENT_UNITS ? "TOO_LONG" : undefined);
    // It is refused anyway: what is read of it is let go.
    if (problem) content = "";
  }

  return {
    get isEmpty() {
      return !isOpen;
    },
    join: (line, text) => add(line, text, separatorOf(ending, text)),
    append: (line, text) => add(line, text, "\n"),
    flush(out) {
      if (isOpen) out.push(toPiece(start, content, problem));
      isOpen = false;
      content = "";
      problem = undefined;
    },
  };
}

function separatorOf(ending: string, text: string): string {
  if (ENDS_WITH_HYPHEN.test(ending)) return "";
  return ENDS_UNSPACED.test(ending) && BEGINS_UNSPACED.test(text) ? "" : " ";
}
