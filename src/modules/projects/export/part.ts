// What an export is made of: each module gives the records of its own tables, page by page.
import type { Sql } from "../../../kernel/db/index.ts";

/**
 * The moment that an export shows. No transaction is held open for it, since that would keep the job queue's dead rows alive:
 * each page is a statement of its own, and what came later is left out.
 */
export interface ExportScope {
  readonly projectId: string;
  /** By the database's clock. */
  readonly at: Date;
  /** The project's newest event at that moment. */
  readonly seq: number;
}

/** In the names of the API. */
export type ExportRecord = object;

/** A module's part in exporting a project: records of one kind. */
export interface ExportPart {
  /** Names the records, and their file in an archive: `post`. */
  readonly kind: string;
  /** About how many, for the progress. */
  count(sql: Sql, scope: ExportScope): Promise<number>;
  /** The last key at that moment, for records that have no time by the database's clock. Asked for before anything is exported. */
  lastKey?(sql: Sql, scope: ExportScope): Promise<string | undefined>;
  /** In a fixed order, a few megabytes a page at most, each page by a short statement. @param last what lastKey gave. */
  pages(sql: Sql, scope: ExportScope, last?: string): AsyncGenerator<readonly ExportRecord[]>;
}

/** Pages in the order of a key: `read` gives those after it, none at the end. */
export async function* pagesByKey<Row, Key>(
  read: (after: Key | undefined) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Key,
): AsyncGenerator<readonly Row[]> {
  for (let after: Key | undefined; ; ) {
    const rows = await read(after);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = keyOf(last);
  }
}
