// What a paragraph is.

export interface Paragraph {
  readonly id: string;
  readonly projectId: string;
  readonly authorId: string;
  readonly postId: string | null;
  readonly source: ParagraphSource;
  readonly content: string;
  /** ISO 639-1, as it was given or recognised; `und` when it could not be, null while it waits. */
  readonly lang: string | null;
  readonly analysis: Analysis;
}

/** How a paragraph came: handed in, from a file, fetched from an address, or as a part of a post. In the index by their number: only add. */
export const PARAGRAPH_SOURCES = ["direct", "import", "fetch", "post"] as const;
export type ParagraphSource = (typeof PARAGRAPH_SOURCES)[number];

/** @param stored as in the column `source`: null where the post, or its being none, says it. */
export function sourceOf(postId: string | null, stored: ParagraphSource | null | undefined): ParagraphSource {
  return stored ?? (postId === null ? "direct" : "post");
}

export type Analysis =
  | { readonly state: "pending" }
  | { readonly state: "analysed"; readonly doc: number; readonly wordCount: number };

/** The time of creation is that in the id, a UUIDv7 (RFC 9562 section 5.7); Unix milliseconds. */
export function createdMsOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** UTF-16 code units. */
export const MAX_CONTENT_UNITS = 100_000;

export type ContentProblem = "EMPTY" | "TOO_LONG" | "INVALID_TEXT";

/** Why a text cannot be a paragraph; undefined when it can. */
export function findContentProblem(content: string): ContentProblem | undefined {
  if (content.length > MAX_CONTENT_UNITS) return "TOO_LONG";
  // Without a character that is no white space there is nothing to read.
  if (!/\S/.test(content)) return "EMPTY";
  return content.isWellFormed() && !content.includes("\0") ? undefined : "INVALID_TEXT";
}
