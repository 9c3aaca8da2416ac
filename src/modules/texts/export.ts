// What of texts is exported with a project: its paragraphs, those of posts among them.
import type { Sql } from "../../kernel/db/index.ts";
import { type ExportPart, type ExportScope, pagesByKey } from "../projects/index.ts";
import { countParagraphs, listParagraphsBefore } from "./export-store.ts";
import { toParagraphView } from "./view.ts";

export const exportPart: ExportPart = {
  kind: "paragraph",
  count: (sql, { projectId }) => countParagraphs(sql, projectId),
  pages: paragraphPages,
};

async function* paragraphPages(sql: Sql, { projectId, at }: ExportScope) {
  const beforeId = firstIdAfter(at);
  const pages = pagesByKey(
    (afterId: string | undefined) => listParagraphsBefore(sql, { projectId, beforeId, afterId }),
    ({ id }) => id,
  );
  for await (const page of pages) yield page.map(toParagraphView);
}

/** The time of creation is that in the id (RFC 9562 section 5.7). */
function firstIdAfter(at: Date): string {
  const hex = (at.getTime() + 1).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
