// NDJSON: a JSON value a line, a text or an object whose field `content` is one; other fields are let go by.
import { z } from "zod";
import { type Reader, toPiece } from "./format.ts";

const value = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]);

export function createNdjsonReader(): Reader {
  return {
    push(line, out) {
      if (line.problem) {
        out.push(toPiece(line.number, "", line.problem));
        return;
      }
      if (line.text.trim() === "") return;
      const json = parse(line.text);
      if (json === undefined) {
        out.push({ kind: "rejected", line: line.number, code: "INVALID_JSON" });
        return;
      }
      const content = value.safeParse(json);
      if (content.success) out.push(toPiece(line.number, content.data));
      else out.push({ kind: "rejected", line: line.number, code: "CONTENT_MISSING" });
    },
    end() {},
  };
}

/** Undefined, which no JSON means, when it is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
