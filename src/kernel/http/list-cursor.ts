// A cursor belongs to the list that gave it: that of another list, project or filter would skip items without a word.
import { createHmac } from "node:crypto";
import { z } from "zod";
import { kernelErrors } from "../errors/index.ts";
import { parseQuery } from "./query.ts";
import type { Reply } from "./route.ts";

const MARK_CHARS = 11;

export interface ListCursors {
  /** The query with the cursor as the list made it. Throws INVALID_CURSOR when this list has not given it. */
  read(query: unknown, list: string): unknown;
  /** The page with a cursor that is good for this list alone. */
  give(reply: Reply | Response, list: string): Reply | Response;
}

export function createListCursors(key: Uint8Array): ListCursors {
  const markOf = (cursor: string, list: string) =>
    createHmac("sha256", key).update(`${list}\n${cursor}`).digest("base64url").slice(0, MARK_CHARS);
  return {
    read(query, list) {
      // The schema of a list has said so.
      const { cursor, ...rest } = query as { cursor?: string };
      if (cursor === undefined) return query;
      const own = cursor.slice(0, -MARK_CHARS);
      if (own + markOf(own, list) !== cursor) throw kernelErrors.INVALID_CURSOR();
      return { ...rest, cursor: own };
    },
    give(reply, list) {
      if (reply instanceof Response) return reply;
      // A list answers with a page; its refusals are thrown.
      const page = reply.body as { next_cursor?: string | null } | undefined;
      const cursor = page?.next_cursor;
      return cursor ? { ...reply, body: { ...page, next_cursor: cursor + markOf(cursor, list) } } : reply;
    },
  };
}

/** A list as its address names it, whatever the order of its filters; the size of a page may change on the way. */
export function listName(path: string, queryText: string): string {
  const { cursor: _cursor, limit: _limit, ...filters } = parseQuery(queryText);
  return JSON.stringify([path, Object.entries(filters).sort()]);
}

export function takesCursor(query: z.ZodType | undefined): boolean {
  return query instanceof z.ZodObject && "cursor" in query.shape;
}
