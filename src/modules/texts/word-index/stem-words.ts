// Finds the words that have a stem, in all segments of a project; what was found in one is remembered.
import type { Sql } from "../../../kernel/db/index.ts";
import { createBoundedMemory } from "./bounded-memory.ts";
import { sortKeys } from "./key.ts";
import { decodeStemWords, splitStemKey, stemKey } from "./stems.ts";
import { type BlockRow, findInBlocks } from "./term-blocks.ts";

export interface StemOf {
  readonly lang: string;
  readonly stem: string;
}

/** Words that have one of the stems, with the language in which they have it; of each stem at most `limit`. */
export type ListWordsByStem = (
  sql: Sql,
  projectId: string,
  stems: readonly StemOf[],
  limit: number,
) => Promise<(StemOf & { readonly word: string })[]>;

const STEMS_BYTES = 4 * 1024 * 1024;
const STEM_BYTES = 250;
const WORD_BYTES = 40;

export function createListWordsByStem(): ListWordsByStem {
  const memory = createBoundedMemory<readonly string[]>(STEMS_BYTES);
  /** Segments of a project as they were when it was asked last. */
  const segmentsOf = createBoundedMemory<readonly number[]>(STEMS_BYTES);

  return async (sql, projectId, stems, limit) => {
    const keys = sortKeys(stems.map(({ lang, stem }) => stemKey(lang, stem)));
    const memoryKey = (segment: number, key: string) => `${projectId} ${segment} ${key}`;
    const known = new Map<number, (readonly string[] | undefined)[]>();
    for (const segment of segmentsOf.get(projectId) ?? []) {
      const words = keys.map((key) => memory.get(memoryKey(segment, key)));
      if (words.every((each) => each !== undefined)) known.set(segment, words);
    }
    const rows = await sql<BlockRow & { live: string | null }>`
      WITH live AS MATERIALIZED (
        SELECT segment FROM text_segments WHERE project_id = ${projectId} AND is_live),
      wanted AS MATERIALIZED (
        SELECT live.segment, b.first_word
        FROM live CROSS JOIN unnest(${keys}::text[]) AS k (key) CROSS JOIN LATERAL (
          SELECT first_word FROM text_blocks
          WHERE project_id = ${projectId} AND segment = live.segment AND first_word <= k.key
          ORDER BY first_word DESC LIMIT 1) b
        WHERE live.segment <> ALL (${[...known.keys()]}::int[])
        GROUP BY live.segment, b.first_word)
      SELECT NULL::int AS segment, NULL AS first_word, NULL::bytea AS data, string_agg(segment::text, ',') AS live FROM live
      UNION ALL
      SELECT w.segment, w.first_word, b.data, NULL
      FROM wanted w JOIN text_blocks b
        ON b.project_id = ${projectId} AND b.segment = w.segment AND b.first_word = w.first_word`;
    const live =
      rows
        .find((row) => row.live !== null)
        ?.live?.split(",")
        .map(Number) ?? [];
    segmentsOf.set(projectId, live, STEM_BYTES + live.length * 8);
    const words = new Map(keys.map((key) => [key, new Set<string>()]));
    for (const segment of live) {
      const found = known.get(segment) ?? read(keys, rows, segment);
      for (const [nth, key] of keys.entries()) {
        const list = found[nth] ?? [];
        for (const word of list) words.get(key)?.add(word);
        if (!known.has(segment))
          memory.set(memoryKey(segment, key), list, STEM_BYTES + list.length * WORD_BYTES);
      }
    }
    return [...words].flatMap(([key, list]) =>
      sortKeys([...list])
        .slice(0, limit)
        .map((word) => ({ ...splitStemKey(key), word })),
    );
  };
}

function read(keys: readonly string[], rows: readonly BlockRow[], segment: number): (readonly string[])[] {
  const blocks = rows.filter((row) => row.segment === segment);
  const found: (readonly string[])[] = keys.map(() => []);
  findInBlocks(keys, blocks, (nth, { postings }) => {
    found[nth] = decodeStemWords(postings);
  });
  return found;
}
