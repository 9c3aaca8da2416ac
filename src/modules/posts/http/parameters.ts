// What the routes of posts and collections take alike: ids, paths, authors, and how a page is shown.
import { z } from "zod";
import { type CursorKey, encodeCursor, type Page } from "../../../kernel/http/index.ts";
import { MAX_BODY_UNITS, MAX_TITLE_UNITS } from "../model.ts";
import { findPathProblem, MAX_PATH_BYTES, normalisePath, PATH_PROBLEMS } from "../path.ts";
import type { Bounded } from "../store/posts.ts";

export const projectId = z
  .uuid()
  .toLowerCase()
  .optional()
  .meta({ description: "Left out, your personal project." });
export const person = z.union([z.literal("me"), z.uuid().toLowerCase()]).optional();

export const idParams = z.strictObject({ id: z.uuid().toLowerCase() });

export const title = z.string().trim().min(1).max(MAX_TITLE_UNITS);
export const body = z.string().max(MAX_BODY_UNITS).meta({ description: "Markdown, in UTF-16 code units." });
export const path = z
  .string()
  .max(MAX_PATH_BYTES)
  .transform(normalisePath)
  .check(({ value, issues }) => {
    const problem = findPathProblem(value);
    if (problem) issues.push({ code: "custom", message: PATH_PROBLEMS[problem], input: value });
  })
  .meta({
    description:
      "As a file of the project, unique in it whatever its case: parts with slashes between, at most 1,024 bytes in UTF-8. " +
      "Kept in NFC.",
    examples: ["notes/2026/agora.md"],
  });

export function personId(who: string | undefined, userId: string): string | undefined {
  return who === "me" ? userId : who;
}

/** A page that may end sooner than its limit. */
export function toBoundedPage<Row, Item>(
  { items, hasMore }: Bounded<Row>,
  view: (row: Row) => Item,
  keyOf: (row: Row) => CursorKey,
): Page<Item> {
  const last = items.at(-1);
  return { items: items.map(view), next_cursor: hasMore && last ? encodeCursor(keyOf(last)) : null };
}
