// The text that is imported: files given by the caller, or as much made-up text where there are none.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createLanguage, makeParagraphs } from "./zipf.ts";

export interface Novel {
  readonly name: string;
  readonly text: string;
}

/** About what the two novels have that we measure with: 5,400 paragraphs of 63 words. */
const STAND_IN = { count: 2700, words: 63 };

/** The .txt files of a directory; made-up text of two novels' size when there is no such directory. */
export async function readNovels(directory: string): Promise<Novel[]> {
  const names = await readdir(directory).catch(() => []);
  const files = names.filter((name) => name.endsWith(".txt")).sort();
  if (files.length === 0) return [makeNovel(1), makeNovel(2)];
  return Promise.all(
    files.map(async (name) => ({ name, text: await Bun.file(join(directory, name)).text() })),
  );
}

/** Paragraphs as a plain reader would count them: runs of lines that are not blank. */
export function splitParagraphs(text: string): string[] {
  return text
    .replace(/^\uFEFF/, "")
    .split(/(?:\r?\n[ \t]*){2,}/)
    .map((paragraph) => paragraph.replace(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph !== "");
}

function makeNovel(seed: number): Novel {
  const paragraphs = [...makeParagraphs(createLanguage(), { ...STAND_IN, seed })];
  return { name: `made-up text ${seed}`, text: paragraphs.map((paragraph) => wrap(paragraph)).join("\n\n") };
}

/** Hard-wrapped at 72 columns, as plain-text books are. */
function wrap(paragraph: string): string {
  return paragraph.replace(/(.{1,72})(?: |$)/g, "$1\n").trimEnd();
}
