// The face of texts: paragraphs, their words, and what is counted of them; for posts, whose bodies are paragraphs too.
export { textErrors } from "./errors.ts";
export { createTexts, type Texts, textsMigrations } from "./module.ts";
