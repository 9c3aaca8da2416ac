// What every part of the bench is given: one running server, the bare loop's database beside it, and its options.
import { type BareDatabase, openBareDatabase } from "./bare/database.ts";
import { type Stoa, startStoa } from "./stoa.ts";
import type { Row } from "./table.ts";

export interface Options {
  /** Directory with .txt files to import. */
  readonly texts: string;
  /** Paragraphs in the project that top 10 is asked of. */
  readonly paragraphs: number;
  readonly rounds: number;
  /** Parts that take minutes take fewer. */
  readonly isShort: boolean;
}

export interface Bench {
  readonly stoa: Stoa;
  readonly bare: BareDatabase;
  readonly options: Options;
}

export type Part = (bench: Bench) => Promise<Row | readonly Row[]>;

/** Runs the parts one after the other on one server, which is stopped whatever happens. */
export async function runParts(
  parts: readonly Part[],
  options: Options,
): Promise<{ rows: Row[]; versions: string }> {
  await using stoa = await startStoa();
  const bare = await openBareDatabase(stoa.dataDir);
  try {
    const rows: Row[] = [];
    for (const part of parts) rows.push(...[await part({ stoa, bare, options })].flat());
    return { rows, versions: `Bun ${Bun.version}, PostgreSQL ${bare.version}` };
  } finally {
    await bare.sql.close();
  }
}

/** Says what is going on, since a part takes a while; the table alone goes to standard output. */
export function say(sentence: string): void {
  console.error(`… ${sentence}`);
}
