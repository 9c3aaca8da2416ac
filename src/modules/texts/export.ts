// What of texts is exported with a project: its paragraphs, those of posts among them.
import type { Sql } from "../../kernel/db/index.ts";
import { type ExportPart, type ExportScope, pagesByKey } from "../projects/index.ts";
import { countParagraphs, findLastId, listParagraphsUpTo } from "./export-store.ts";
import { toParagraphView } from "./view.ts";

export const exportPart: ExportPart = {
  kind: "paragraph",
  count: (sql, { projectId }) => countParagraphs(sql, projectId),
  // The time in an id is that of whoever made it, and no clock is like another.
  lastKey: (sql, { projectId }) => findLastId(sql, projectId),
  pages: paragraphPages,
};

async function* paragraphPages(sql: Sql, { projectId }: ExportScope, lastId?: string) {
  if (lastId === undefined) return;
  const pages = pagesByKey(
    (afterId: string | undefined) => listParagraphsUpTo(sql, { projectId, lastId, afterId }),
    ({ id }) => id,
  );
  for await (const page of pages) yield page.map(toParagraphView);
}
