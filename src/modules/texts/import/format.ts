// What a format of files is to the import: lines go in, paragraphs and refusals come out.
import { findContentProblem, MAX_CONTENT_UNITS } from "../model.ts";
import type { Line } from "./lines.ts";

export const REJECTIONS = {
  INVALID_UTF8: "Contains bytes that are not UTF-8.",
  INVALID_TEXT: "Contains a NUL character or a lone surrogate.",
  PARAGRAPH_TOO_LONG: `Is longer than ${MAX_CONTENT_UNITS} characters; it is not cut.`,
  EMPTY_PARAGRAPH: "Is empty or nothing but white space.",
  CONTENT_MISSING: "Has no content: the field is not there or is no text.",
  INVALID_JSON: "Is not a JSON value.",
  INVALID_CSV: "Is not CSV as in RFC 4180: a quotation mark is not where it may be, or is never closed.",
} as const;

export type RejectionCode = keyof typeof REJECTIONS;

/** A paragraph found in the file, or why what stands there is none; `line` is where it begins, from 1. */
export type Piece =
  | { readonly kind: "paragraph"; readonly line: number; readonly content: string }
  | { readonly kind: "rejected"; readonly line: number; readonly code: RejectionCode };

/** Reads one file, line by line. */
export interface Reader {
  push(line: Line, out: Piece[]): void;
  end(out: Piece[]): void;
}

/** The piece that a text makes. */
export function toPiece(line: number, content: string, problem?: Line["problem"]): Piece {
  const code = problem ? codeOf(problem) : codeOf(findContentProblem(content));
  return code ? { kind: "rejected", line, code } : { kind: "paragraph", line, content };
}

function codeOf(problem: Line["problem"] | ReturnType<typeof findContentProblem>): RejectionCode | undefined {
  switch (problem) {
    case undefined:
      return undefined;
    case "TOO_LONG":
      return "PARAGRAPH_TOO_LONG";
    case "EMPTY":
      return "EMPTY_PARAGRAPH";
    case "INVALID_UTF8":
    case "INVALID_TEXT":
      return problem;
  }
}
