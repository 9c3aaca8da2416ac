// The face of texts: paragraphs, their words, and what is counted of them; for posts, whose bodies are paragraphs too.
export { textErrors } from "./errors.ts";
export { createdMsOf, PARAGRAPH_SOURCES, type Paragraph, type ParagraphSource } from "./model.ts";
export { createTexts, type Texts, textsMigrations } from "./module.ts";
export { createTextSource, type TextSource } from "./search-source.ts";
export { CHARACTER, createTokenizer } from "./tokenizer/tokenizer.ts";
export { paragraphView, toParagraphView } from "./view.ts";
export { ID_REST_BYTES, idAt, idRestOf, postAt } from "./word-index/documents.ts";
export {
  createWordIndex,
  type IndexView,
  type ReadPositions,
  Room,
  type Shelf,
  type Verification,
  type WordIndex,
} from "./word-index/index.ts";
export { fromLengthByte } from "./word-index/length-byte.ts";
