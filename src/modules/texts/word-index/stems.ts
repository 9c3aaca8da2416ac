// Notes which words have which stem, as segments are written: so a query finds the words of a stem without stemming a vocabulary.
import type { Tx } from "../../../kernel/db/index.ts";
import { isStemmable, type Languages } from "../language/languages.ts";
import type { Tail } from "./tail.ts";

/** Adds the words of a segment that are not their own stem, in the languages of the documents they occur in. */
export type WriteStems = (tx: Tx, projectId: string, tail: Tail) => Promise<void>;

/** Words of the project written last that need not be sent again. */
const MAX_REMEMBERED = 200_000;

export function createWriteStems(languages: Languages): WriteStems {
  let remembered: { readonly projectId: string; readonly words: Set<string> } | undefined;

  return async (tx, projectId, tail) => {
    await languages.load();
    const known = remembered?.projectId === projectId ? remembered.words : new Set<string>();
    const rows = { langs: [] as string[], stems: [] as string[], words: [] as string[] };
    const noted: string[] = [];
    for (const [word, langs] of langsOfWords(tail, languages)) {
      for (const lang of langs) {
        const mark = `${lang} ${word}`;
        if (known.has(mark)) continue;
        noted.push(mark);
        const stem = languages.stem(lang, word);
        if (stem === word) continue;
        rows.langs.push(lang);
        rows.stems.push(stem);
        rows.words.push(word);
      }
    }
    if (rows.words.length > 0) {
      await tx`
        INSERT INTO text_stems (project_id, lang, stem, word)
        SELECT ${projectId}::uuid, lang, stem, word
        FROM unnest(${rows.langs}::text[], ${rows.stems}::text[], ${rows.words}::text[]) AS r (lang, stem, word)
        ORDER BY lang COLLATE "C", stem COLLATE "C", word COLLATE "C"
        ON CONFLICT DO NOTHING`;
    }
    tx.afterCommit(() => {
      const words = known.size + noted.length > MAX_REMEMBERED ? new Set<string>() : known;
      for (const mark of noted) words.add(mark);
      remembered = { projectId, words };
    });
  };
}

function* langsOfWords(
  tail: Tail,
  languages: Languages,
): Generator<[word: string, langs: ReadonlySet<string>]> {
  const langs = tail.documents.map(({ lang }) => (languages.hasStems(lang) ? lang : undefined));
  for (const [word, { flat: list }] of tail.terms) {
    const found = new Set<string>();
    for (let index = 0; index < list.length; index += 2) {
      const lang = langs[list[index] ?? 0];
      if (lang !== undefined) found.add(lang);
    }
    if (found.size > 0 && isStemmable(word)) yield [word, found];
  }
}
