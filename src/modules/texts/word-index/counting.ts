// Counts the words of paragraphs that wait: few are remembered as they are, of many a segment is built at once.
import { setImmediate } from "node:timers/promises";
import type { Languages } from "../language/languages.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { BuiltSegment } from "./fold.ts";
import type { MaintenanceOptions } from "./maintenance.ts";
import type { CountedRow } from "./project-memory.ts";
import { SegmentBuilder } from "./segment-builder.ts";
import { encodeWords } from "./segment-writer.ts";
import type { TailRow } from "./snapshot.ts";
import type { IndexedText, ReadText } from "./text.ts";

/** A paragraph that waits; without a language it is recognised. */
export type WaitingParagraph = Omit<TailRow, "doc">;

type CountedParagraph = Omit<TailRow, "doc" | "lang"> & { readonly lang: string; readonly text: IndexedText };

/** To be handed to `take`. */
export type Counted = readonly CountedParagraph[] | BuiltSegment;

export interface CountingDeps extends Pick<MaintenanceOptions, "foldDocuments" | "foldUnits"> {
  readonly readText: ReadText;
  readonly scanTerms: Tokenizer["scanTerms"];
  readonly languages: Languages;
}

/** So many at a time, some milliseconds of work, then the statements that are under way go on. */
const SLICE = 64;

export async function countParagraphs(
  deps: CountingDeps,
  paragraphs: readonly WaitingParagraph[],
  signal: AbortSignal | undefined,
): Promise<Counted> {
  const { readText, languages, foldDocuments, foldUnits } = deps;
  const units = paragraphs.reduce((sum, { content }) => sum + content.length, 0);
  const builder = paragraphs.length >= foldDocuments || units >= foldUnits ? new SegmentBuilder() : undefined;
  const counted: CountedParagraph[] = [];
  for (const [nth, paragraph] of paragraphs.entries()) {
    // Its number is given when it is taken in.
    if (builder) await builder.read({ ...paragraph, doc: 0 }, deps);
    else {
      const text = readText(paragraph.content);
      const lang = paragraph.lang ?? (await languages.recognise(paragraph.content, text));
      counted.push({ ...paragraph, lang, text });
    }
    if ((nth + 1) % SLICE > 0) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
  return builder ? { builder, words: await encodeWords(builder, languages) } : counted;
}

/** What is noted of each. */
export function listCounted(counted: Counted): readonly { id: string; lang: string; wordCount: number }[] {
  if ("builder" in counted) return counted.builder.documents;
  return counted.map(({ id, lang, text }) => ({ id, lang, wordCount: text.wordCount }));
}

/** What was built with the numbers of its documents; those that have none are not in it any more. */
export async function numberBuilt(
  { builder, words }: BuiltSegment,
  docs: ReadonlyMap<string, number>,
  languages: Languages,
): Promise<BuiltSegment> {
  return builder.number(docs)
    ? { builder, words }
    : { builder, words: await encodeWords(builder, languages) };
}

/** Those that were given a number, in the order of these. */
export function numberCounted(
  counted: readonly CountedParagraph[],
  docs: ReadonlyMap<string, number>,
): CountedRow[] {
  return counted
    .flatMap(({ text, ...paragraph }) => {
      const doc = docs.get(paragraph.id);
      return doc === undefined ? [] : [{ row: { ...paragraph, doc }, text }];
    })
    .sort((a, b) => a.row.doc - b.row.doc);
}
