// The face of texts: paragraphs, their words, and what is counted of them. Nobody else asks for them yet.
export { createTexts, textsMigrations } from "./module.ts";
