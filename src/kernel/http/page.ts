// Cursor pages: what list routes take (`limit`, `cursor`) and give ({items, next_cursor}).
import { z } from "zod";
import { kernelErrors } from "../errors/index.ts";
import { isCleanText } from "./text-check.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
/** Far more than any key of ours needs, so that decoding never works on a megabyte. */
const MAX_CURSOR_CHARS = 1024;

/**
 * A whole number in the query string: digits and nothing else, so that "", "1e2" and "0x10" are refused. `default` makes it
 * optional.
 */
export function integerParameter(options: {
  min: number;
  max: number;
  default: number;
  description?: string;
}): z.ZodType<number, string | undefined> {
  const { min, max } = options;
  const sentence = `Must be a whole number from ${min} to ${max}.`;
  const digits = z.string().regex(/^-?\d{1,15}$/, sentence);
  return digits
    .transform(Number)
    .pipe(z.number().min(min, sentence).max(max, sentence))
    .default(options.default)
    .meta({
      // For the API description, which cannot see through a transformation.
      type: "integer",
      minimum: min,
      maximum: max,
      default: options.default,
      description: options.description ?? sentence,
    });
}

/** The query of a list: spread it into a route's own, `z.strictObject({ ...pageQuery, word: z.string() })`. */
export const pageQuery = {
  limit: integerParameter({
    min: 1,
    max: MAX_LIMIT,
    default: DEFAULT_LIMIT,
    description: `Items on a page, 1 to ${MAX_LIMIT}.`,
  }),
  cursor: z.string().optional().meta({
    description:
      "`next_cursor` of the page before, asked for with the same filters; left out, the first page.",
  }),
};

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Null on the last page. */
  readonly next_cursor: string | null;
}

/** The schema of a page for a route's `responses`. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), next_cursor: z.string().nullable() });
}

/** Values a cursor may carry: the sort key of the last item, such as [created_at, id]. */
export type CursorKey = readonly (string | number | boolean | null)[];

export function encodeCursor(key: CursorKey): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/**
 * The key inside a cursor, checked by `schema` (a `z.tuple`), or undefined for the first page. Throws INVALID_CURSOR when it
 * is not one that this list can have given.
 */
export function decodeCursor<Key>(cursor: string | undefined, schema: z.ZodType<Key>): Key | undefined {
  if (cursor === undefined) return undefined;
  const parsed = schema.safeParse(parseCursor(cursor));
  if (!parsed.success) throw kernelErrors.INVALID_CURSOR();
  return parsed.data;
}

function parseCursor(cursor: string): unknown {
  if (cursor.length > MAX_CURSOR_CHARS || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(cursor, "base64url"));
    const key: unknown = JSON.parse(text);
    // A NUL or half a character would be an invalid text to PostgreSQL, and so a crash.
    const isClean =
      Array.isArray(key) && key.every((value) => typeof value !== "string" || isCleanText(value));
    return isClean ? key : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes a page of rows that were asked for with LIMIT limit + 1: the extra row only says that there are more.
 * `keyOf` gives the sort key of a row, `view` what the client sees of it.
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  view: (row: Row) => Item,
  keyOf: (row: Row) => CursorKey,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items: shown.map(view), next_cursor: hasMore ? encodeCursor(keyOf(last)) : null };
}
