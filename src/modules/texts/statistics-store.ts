// The SQL of a project's numbers.
import type { Sql } from "../../kernel/db/index.ts";

export interface DayCount {
  /** UTC, 2026-11-21. */
  readonly day: string;
  /** Handed in on this day and still there. */
  readonly paragraphs: number;
}

const DAY_MS = 86_400_000;

export async function readTotals(
  sql: Sql,
  projectId: string,
): Promise<{ readonly paragraphs: number; readonly words: number }> {
  const [row] = await sql<{ paragraphs: number; words: number }>`
    SELECT document_count AS paragraphs, occurrence_count::float8 AS words
    FROM text_indexes WHERE project_id = ${projectId}`;
  return { paragraphs: row?.paragraphs ?? 0, words: row?.words ?? 0 };
}

/** So many days up to that of `nowMs`, oldest first, all of them: by ranges of ids, in which the time is. */
export async function countDays(
  sql: Sql,
  projectId: string,
  { days, nowMs }: { readonly days: number; readonly nowMs: number },
): Promise<DayCount[]> {
  const today = Math.floor(nowMs / DAY_MS);
  const dates = Array.from({ length: days }, (_, index) => (today - days + 1 + index) * DAY_MS);
  const names = dates.map((ms) => new Date(ms).toISOString().slice(0, 10));
  const rows = await sql<{ day: string; paragraphs: number }>`
    SELECT d.day, (
      SELECT count(*)::int FROM paragraphs p
      WHERE p.project_id = ${projectId} AND p.id >= d.first AND p.id < d.next) AS paragraphs
    FROM unnest(${names}::text[], ${dates.map(firstIdOf)}::uuid[],
      ${dates.map((ms) => firstIdOf(ms + DAY_MS))}::uuid[]) WITH ORDINALITY AS d (day, first, next, n)
    ORDER BY d.n`;
  return rows.map(({ day, paragraphs }) => ({ day, paragraphs }));
}

/** Below every UUIDv7 of this millisecond and above those before. */
function firstIdOf(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
