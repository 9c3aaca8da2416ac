// The bare import: split, count the words of each paragraph, COPY both; one process, no queue, no checks.
import { randomUUID } from "node:crypto";
import type { SQL } from "bun";
import { splitParagraphs } from "../text/novels.ts";
import type { BareDatabase } from "./database.ts";

const WORD = /[\p{L}\p{M}\p{N}]+/gu;

/** Stores the paragraphs and their counts in one transaction and returns how many there are. */
export async function importBare({ sql }: BareDatabase, text: string): Promise<number> {
  const projectId = randomUUID();
  const paragraphs: string[] = [];
  const counts: string[] = [];
  for (const content of splitParagraphs(text)) {
    const id = randomUUID();
    paragraphs.push(`${id}\t${projectId}\t${projectId}\t${toCopyText(content)}\n`);
    for (const [word, count] of countWords(content)) counts.push(`${projectId}\t${word}\t${count}\t${id}\n`);
  }
  await sql.begin(async (tx) => {
    await copy(tx`COPY paragraphs (id, project_id, author_id, content) FROM STDIN`, paragraphs);
    await copy(tx`COPY word_counts (project_id, word, count, paragraph_id) FROM STDIN`, counts);
  });
  return paragraphs.length;
}

export function countWords(content: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of content.toLowerCase().matchAll(WORD)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Feeds lines in COPY's text format, some hundred kilobytes at a time. */
export async function copy(statement: SQL.Query<unknown>, lines: Iterable<string>): Promise<void> {
  const writer = statement.writable().getWriter();
  let held: string[] = [];
  for (const line of lines) {
    held.push(line);
    if (held.length < 2000) continue;
    await writer.write(held.join(""));
    held = [];
  }
  await writer.write(held.join(""));
  await writer.close();
}

/** Backslash, tab and line breaks have a meaning in COPY's text format. */
export function toCopyText(text: string): string {
  return text.replace(/[\\\t\n\r]/g, (character) => `\\${ESCAPES[character] ?? "\\"}`);
}

const ESCAPES: Readonly<Record<string, string>> = { "\t": "t", "\n": "n", "\r": "r" };
