// All pages of one search while paragraphs arrive and go, and what is wrong in them.
import type { Person } from "../../src/testing/requests.ts";
import type { Ledger, Moment } from "./ledger.ts";

export interface Reading {
  readonly what: string;
  readonly before: Moment;
  /** When the first page was answered. */
  readonly sent: number;
  readonly leavingFirst: ReadonlySet<string>;
  /** When the last page was answered. */
  readonly leaving: ReadonlySet<string>;
  readonly total: number;
  readonly ids: readonly string[];
}

interface Page {
  readonly items: readonly { readonly paragraph: { readonly id: string } }[];
  readonly total_count: number;
  readonly next_cursor: string | null;
}

/** @param query `word` with its sort and limit. */
export async function readAll(person: Person, ledger: Ledger, word: string, sort: string): Promise<Reading> {
  const before = ledger.now(word);
  const ids: string[] = [];
  let first: Pick<Reading, "sent" | "leavingFirst" | "total"> | undefined;
  for (let cursor: string | null = ""; cursor !== null; ) {
    const more = cursor === "" ? "" : `&cursor=${cursor}`;
    const { status, body } = await person.call(
      "GET",
      `/search?q=${word}&sort=${sort}&fuzzy=0&limit=20${more}`,
    );
    if (status !== 200) throw new Error(`search: ${status} ${JSON.stringify(body)}`);
    // As search/view.ts shows it.
    const page = body as unknown as Page;
    ids.push(...page.items.map(({ paragraph }) => paragraph.id));
    first ??= { sent: ledger.sent(word), leavingFirst: ledger.leaving(word), total: page.total_count };
    cursor = page.next_cursor;
  }
  if (!first) throw new Error("there was no first page");
  return { what: `${word} by ${sort}`, before, ...first, leaving: ledger.leaving(word), ids };
}

export function findProblems({ what, before, sent, leavingFirst, leaving, total, ids }: Reading): string[] {
  const problems: string[] = [];
  const seen = new Set(ids);
  if (seen.size !== ids.length) problems.push(`${what}: ${ids.length - seen.size} are on two pages`);
  const ghosts = ids.filter((id) => before.gone.has(id));
  if (ghosts.length > 0) problems.push(`${what}: ${ghosts.length} were deleted before`);
  const missing = [...before.there].filter((id) => !seen.has(id) && !leaving.has(id));
  if (missing.length > 0) problems.push(`${what}: ${missing.length} of ${before.there.size} are on no page`);
  const least = [...before.there].filter((id) => !leavingFirst.has(id)).length;
  const most = sent - before.gone.size;
  if (total < least || total > most) problems.push(`${what}: a total of ${total}, not ${least} to ${most}`);
  return problems;
}

/** A check that finds nothing must be able to: of a good reading, four that are not. */
export function spoil(good: Reading): Reading[] {
  const [kept] = [...good.before.there].filter((id) => !good.leaving.has(id));
  return [
    { ...good, what: "a paragraph twice", ids: [...good.ids, ...good.ids.slice(0, 1)] },
    { ...good, what: "one left out", ids: good.ids.filter((id) => id !== kept) },
    { ...good, what: "a deleted one", before: { ...good.before, gone: new Set(good.ids.slice(0, 1)) } },
    { ...good, what: "a wrong total", total: good.sent + 1 },
  ];
}
