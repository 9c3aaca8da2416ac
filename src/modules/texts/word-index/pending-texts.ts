// Paragraphs that wait to be analysed, read as a part of the index of their own, so that a search finds them at once.
import type { Languages } from "../language/languages.ts";
import { Tail } from "./tail.ts";
import type { IndexedText, ReadText } from "./text.ts";
import type { PendingRow } from "./view-statement.ts";

interface PendingText {
  readonly text: IndexedText;
  readonly lang: string;
}

/** What a process remembers of one project's. The text of a paragraph never changes, so its id is enough. */
export class PendingTexts {
  #texts = new Map<string, PendingText>();
  #tail = new Tail(0);
  #ids = "";

  knownIds(): string[] {
    return [...this.#texts.keys()];
  }

  /** The rows as a tail, whose numbers mean nothing; undefined when one of them was forgotten meanwhile: ask again. */
  async read(
    rows: readonly PendingRow[],
    readText: ReadText,
    languages: Pick<Languages, "recognise">,
  ): Promise<Tail | undefined> {
    const ids = rows.map(({ id }) => id).join();
    if (ids === this.#ids) return this.#tail;
    const texts = new Map<string, PendingText>();
    const tail = new Tail(0);
    for (const [place, row] of rows.entries()) {
      const known =
        this.#texts.get(row.id) ?? (row.content === "" ? undefined : await toText(row, readText, languages));
      if (!known) return undefined;
      texts.set(row.id, known);
      const { id, authorId, postId, source } = row;
      tail.add({ doc: place, id, authorId, postId, source, lang: known.lang }, known.text);
    }
    this.#texts = texts;
    this.#tail = tail;
    this.#ids = ids;
    return tail;
  }
}

async function toText(
  row: PendingRow,
  readText: ReadText,
  languages: Pick<Languages, "recognise">,
): Promise<PendingText> {
  const text = readText(row.content);
  // As its analysis will say: else its score would change between two pages.
  return { text, lang: row.lang ?? (await languages.recognise(row.content, text)) };
}
