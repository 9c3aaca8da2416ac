// Plain text: paragraphs stand between blank lines, and the lines of one were only wrapped.
import type { Reader } from "./format.ts";
import { createParagraphBuilder } from "./paragraph-builder.ts";

export function createPlainTextReader(): Reader {
  const paragraph = createParagraphBuilder();
  return {
    push(line, out) {
      const text = line.text.trim();
      if (text === "" && !line.problem) paragraph.flush(out);
      else paragraph.join(line, text);
    },
    end: (out) => paragraph.flush(out),
  };
}
