// Markdown: as plain text, but headings stand alone, and code, lists, tables and quotations keep their lines.
import type { Reader } from "./format.ts";
import type { Line } from "./lines.ts";
import { createParagraphBuilder } from "./paragraph-builder.ts";

// CommonMark 0.31: sections 4.1 to 4.6, 5.1, 5.2.
const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
const HEADING = /^ {0,3}#{1,6}(?:[ \t]|$)/;
const THEMATIC_BREAK = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const UNDERLINE = /^ {0,3}(?:=+|-+)[ \t]*$/;
const LIST_ITEM = /^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
const OWN_LINE = /^ {0,3}[>|]/;
const INDENTED = /^(?: {4}|\t)/;
const HARD_BREAK = /(?: {2,}|\\)$/;
const FRONT_MATTER = /^---[ \t]*$/;
const FRONT_MATTER_END = /^(?:---|\.\.\.)[ \t]*$/;

/** What ends the block whose lines are kept as they are. */
type Block = { readonly closes: (text: string) => boolean };

export function createMarkdownReader(): Reader {
  const paragraph = createParagraphBuilder();
  let block: Block | undefined;
  let breaksHard = false;
  let isCode = false;

  function pushText(line: Line): void {
    const { text } = line;
    // Indented lines are code only where they do not go on with a text.
    isCode = (paragraph.isEmpty || isCode) && INDENTED.test(text);
    const keepsLine = breaksHard || isCode || LIST_ITEM.test(text) || OWN_LINE.test(text);
    breaksHard = HARD_BREAK.test(text);
    const shown = breaksHard ? text.replace(HARD_BREAK, "") : text.trimEnd();
    if (keepsLine) paragraph.append(line, shown);
    else paragraph.join(line, shown.trimStart());
  }

  function open(line: Line): Block | undefined {
    if (line.number === 1 && FRONT_MATTER.test(line.text)) {
      return { closes: (text) => FRONT_MATTER_END.test(text) };
    }
    const fence = FENCE.exec(line.text)?.[1];
    return fence === undefined ? undefined : { closes: (text) => isClosing(text, fence) };
  }

  return {
    push(line, out) {
      const { text } = line;
      if (block) {
        paragraph.append(line, text.trimEnd());
        if (!block.closes(text)) return;
        block = undefined;
        paragraph.flush(out);
        return;
      }
      const opened = open(line);
      if (opened || HEADING.test(text)) {
        paragraph.flush(out);
        paragraph.append(line, text.trim());
        if (!opened) paragraph.flush(out);
        block = opened;
        return;
      }
      if (text.trim() === "" && !line.problem) {
        paragraph.flush(out);
        breaksHard = false;
      } else if (!paragraph.isEmpty && UNDERLINE.test(text)) {
        paragraph.append(line, text.trim());
        paragraph.flush(out);
      } else if (THEMATIC_BREAK.test(text)) {
        // A line across the page is no text.
        paragraph.flush(out);
      } else {
        pushText(line);
      }
    },
    end: (out) => paragraph.flush(out),
  };
}

function isClosing(text: string, fence: string): boolean {
  const mark = text.trim();
  return (
    /^ {0,3}\S/.test(text) && mark.length >= fence.length && mark === fence.charAt(0).repeat(mark.length)
  );
}
