// How the texts module says no.
import { defineErrors } from "../../kernel/errors/index.ts";

export const textErrors = defineErrors({
  PARAGRAPH_NOT_FOUND: {
    status: 404,
    detail: "There is no such paragraph in your projects. GET /paragraphs lists those of a project.",
  },
  PARAGRAPH_OF_POST: {
    status: 409,
    detail: "The paragraph is a part of a post, which post_id names. Change the post.",
  },
  PARAGRAPH_TOO_LONG: {
    status: 422,
    detail: "A paragraph of the text is longer than 100,000 characters. Part it with a blank line.",
  },
  TOO_MANY_PARAGRAPHS: {
    status: 422,
    detail: "The text has more than 20,000 paragraphs. Make several of it.",
  },
  WORD_MISSING: { status: 422, detail: "There is no word in this. Send one, of letters or digits." },
  WORD_NOT_SINGLE: {
    status: 422,
    detail: "These are several words. Ask for one of them; searching takes several.",
  },
  SOURCE_REFUSED: {
    status: 422,
    detail: "The address may not be called. Give one of a server on the public internet.",
  },
  SOURCE_UNAVAILABLE: {
    status: 502,
    detail: "The source cannot be read just now, and nothing was stored. Try again later.",
  },
  SOURCE_NOT_READ: {
    status: 422,
    detail: "The source gave no text, Markdown, HTML or feed that could be read. Nothing was stored.",
  },
  SOURCE_EMPTY: { status: 422, detail: "The source holds no paragraph. Nothing was stored." },
  SOURCE_TOO_LONG: {
    status: 422,
    detail:
      "The source holds more than 1,000 paragraphs, or too large a page. The task text.import takes larger texts.",
  },
  SOURCE_BUSY: {
    status: 503,
    detail: "Too many sources are being read just now. Try again in a few seconds.",
  },
  IMPORT_NOT_UTF8: {
    status: 422,
    detail: "The file is not UTF-8. Save it as UTF-8 and send it again; nothing was stored.",
  },
  IMPORT_NO_CONTENT_COLUMN: {
    status: 422,
    detail:
      "The CSV has no column content in its first line. Name the column of the texts so; nothing was stored.",
  },
  IMPORT_EMPTY: { status: 422, detail: "The file holds no paragraph. Nothing was stored." },
  IMPORT_TRUNCATED: {
    status: 400,
    detail: "The upload was cut off. What had come was stored up to a point; a failed job says how much.",
  },
});
