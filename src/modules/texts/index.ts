// The face of texts: paragraphs, their words, and what is counted of them. Nobody else asks for them yet.
export { textErrors } from "./errors.ts";
export { createTexts, textsMigrations } from "./module.ts";
