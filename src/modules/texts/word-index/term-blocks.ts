// Brings terms of segments from their blocks, each block once however many of its words are wanted.
import type { Sql } from "../../../kernel/db/index.ts";
import { type BlockEntry, findWords, type StoredBlock } from "./blocks.ts";
import { NO_TERM, type SegmentTerm } from "./term-memory.ts";

export interface MissingTerm {
  readonly key: string;
  readonly withPositions: boolean;
}

export interface BlockRow extends StoredBlock {
  readonly segment: number;
  readonly first_word: string;
}

/** By segment the blocks in which its terms stand if they are there; undefined when one of the segments is gone. */
export async function readBlocks(
  sql: Sql,
  projectId: string,
  missing: ReadonlyMap<number, readonly MissingTerm[]>,
): Promise<ReadonlyMap<number, readonly BlockRow[]> | undefined> {
  const segments: number[] = [];
  const keys: string[] = [];
  const withPositions: boolean[] = [];
  for (const [segment, list] of missing) {
    for (const term of list) {
      segments.push(segment);
      keys.push(term.key);
      withPositions.push(term.withPositions);
    }
  }
  const numbers = [...missing.keys()];
  const rows = await sql<BlockRow | { segment: null; first_word: string; data: null; positions: null }>`
    WITH wanted AS MATERIALIZED (
      SELECT m.segment, b.first_word, bool_or(m.with_positions) AS with_positions
      FROM unnest(${segments}::int[], ${keys}::text[], ${withPositions}::bool[]) AS m (segment, key, with_positions)
      CROSS JOIN LATERAL (
        SELECT first_word FROM text_blocks
        WHERE project_id = ${projectId} AND segment = m.segment AND first_word <= m.key
        ORDER BY first_word DESC LIMIT 1) b
      GROUP BY m.segment, b.first_word ORDER BY m.segment, b.first_word)
    SELECT w.segment, w.first_word, b.data, CASE WHEN w.with_positions THEN b.positions END AS positions
    FROM wanted w JOIN text_blocks b
      ON b.project_id = ${projectId} AND b.segment = w.segment AND b.first_word = w.first_word
    UNION ALL
    SELECT NULL, count(*)::text, NULL, NULL FROM text_segments
    WHERE project_id = ${projectId} AND segment = ANY (${numbers}::int[])`;
  const blocks = new Map<number, BlockRow[]>();
  let there = 0;
  for (const row of rows) {
    if (row.segment === null) there = Number(row.first_word);
    else {
      const list = blocks.get(row.segment);
      if (list) list.push(row);
      else blocks.set(row.segment, [row]);
    }
  }
  return there === numbers.length ? blocks : undefined;
}

/** Each of the terms with what the blocks have of it. Terms ascend by their UTF-8. */
export function findTerms(
  missing: readonly MissingTerm[],
  blocks: readonly BlockRow[],
): ReadonlyMap<string, SegmentTerm> {
  const found = new Map<string, SegmentTerm>();
  for (const { key, withPositions } of missing) {
    found.set(key, { ...NO_TERM, positions: withPositions ? null : undefined });
  }
  findInBlocks(
    missing.map(({ key }) => key),
    blocks,
    (nth, { postings, documents, positions }) => {
      const term = missing[nth];
      if (!term) return;
      found.set(term.key, {
        documents,
        postings: alone(postings),
        positions: term.withPositions ? (positions ? alone(positions) : null) : undefined,
      });
    },
  );
  return found;
}

/** A copy, else the whole block stayed in memory with it; but not of what is most of the block, as a common word is. */
export function alone(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 > bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** Calls `onFound` for each of the keys that the blocks of a segment have. Keys ascend by their UTF-8. */
export function findInBlocks(
  keys: readonly string[],
  blocks: readonly BlockRow[],
  onFound: (nth: number, entry: BlockEntry) => void,
): void {
  const sorted = blocks.toSorted((a, b) => compareUtf8(a.first_word, b.first_word));
  let from = 0;
  for (const [nth, block] of sorted.entries()) {
    const next = sorted[nth + 1]?.first_word;
    let to = from;
    while (to < keys.length && (next === undefined || compareUtf8(keys[to] ?? "", next) < 0)) to++;
    const start = from;
    const own = keys.slice(start, to).map((key) => Buffer.from(key));
    findWords(block, own, (index, entry) => onFound(start + index, entry));
    from = to;
  }
}

function compareUtf8(a: string, b: string): number {
  if (!/[\ud800-\udfff]/.test(a + b)) return a < b ? -1 : Number(a > b);
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
