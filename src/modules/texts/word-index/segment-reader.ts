// Reads the words of segments in their order, several segments side by side, some blocks at a time.
import type { Sql } from "../../../kernel/db/index.ts";
import { BlockReader, type StoredBlock } from "./blocks.ts";

/** Of one round trip; at 2 kB each as a rule, up to some hundred for the commonest words. */
const FETCH_BLOCKS = 64;

/** A word of one of the segments. */
export interface SegmentWord extends BlockReader {
  /** Index among the segments. */
  readonly source: number;
}

export interface ReadWords {
  /** Without positions when false. */
  readonly withPositions: boolean;
  /** Called for each word with its entries, in the order of the segments; they are others after it has returned. */
  onWord(entries: readonly SegmentWord[]): void;
  /** Called now and then, not in the middle of a word. */
  onPause?(): Promise<void>;
}

export async function readWords(
  sql: Sql,
  projectId: string,
  segments: readonly number[],
  { withPositions, onWord, onPause }: ReadWords,
): Promise<void> {
  const sources = segments.map(
    (segment, source) => new SegmentSource({ sql, projectId, segment, source, withPositions }),
  );
  const entries: SegmentSource[] = [];
  for (;;) {
    for (const source of sources) if (source.isDry) await source.fetch();
    const open = sources.filter((source) => source.hasWord);
    if (open.length === 0) return;
    do {
      entries.length = 0;
      for (const source of open) {
        const [least] = entries;
        const order = least ? source.compare(least.word) : -1;
        if (order < 0) entries.length = 0;
        if (order <= 0) entries.push(source);
      }
      onWord(entries);
      for (const entry of entries) entry.advance();
    } while (open.every((source) => source.hasWord));
    if (onPause) await onPause();
  }
}

interface SourceOptions {
  readonly sql: Sql;
  readonly projectId: string;
  readonly segment: number;
  readonly source: number;
  readonly withPositions: boolean;
}

class SegmentSource extends BlockReader implements SegmentWord {
  readonly source: number;
  readonly #options: SourceOptions;
  #blocks: readonly (StoredBlock & { readonly first_word: string })[] = [];
  #nextBlock = 0;
  #isLastFetched = false;
  #isAtEnd = false;
  hasWord = false;

  constructor(options: SourceOptions) {
    super();
    this.source = options.source;
    this.#options = options;
  }

  /** Whether it needs to be fetched before it goes on. */
  get isDry(): boolean {
    return !this.hasWord && !this.#isAtEnd;
  }

  advance(): void {
    while (!this.next()) {
      const block = this.#blocks[this.#nextBlock++];
      if (!block) {
        this.hasWord = false;
        return;
      }
      this.open(block);
    }
    this.hasWord = true;
  }

  async fetch(): Promise<void> {
    if (this.#isLastFetched) {
      this.#isAtEnd = true;
      return;
    }
    const { sql, projectId, segment, withPositions } = this.#options;
    const after = this.#blocks.at(-1)?.first_word ?? "";
    this.#blocks = await sql<StoredBlock & { first_word: string }>`
      SELECT first_word, data, CASE WHEN ${withPositions}::bool THEN positions END AS positions FROM text_blocks
      WHERE project_id = ${projectId} AND segment = ${segment} AND first_word > ${after}
      ORDER BY first_word LIMIT ${FETCH_BLOCKS}`;
    this.#nextBlock = 0;
    this.#isLastFetched = this.#blocks.length < FETCH_BLOCKS;
    this.#isAtEnd = this.#blocks.length === 0;
    this.advance();
  }
}
