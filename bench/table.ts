// The table that the bench prints: ours, the bare loop measured in the same run, and the target.

export interface Row {
  readonly what: string;
  readonly ours: string;
  /** The same on the barest program we could write; empty when there is no such thing. */
  readonly bare: string;
  readonly target: string;
  readonly isMet: boolean;
  /** What was checked beside the speed, and further figures. */
  readonly notes: readonly string[];
}

const COLUMNS = ["what", "ours", "bare loop", "at least", "met"] as const;

/** A Markdown table, and the notes of each row beneath it. */
export function renderTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    row.ours,
    row.bare || "–",
    row.target,
    row.isMet ? "yes" : "NO",
  ]);
  const widths = COLUMNS.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const line = (values: readonly string[]) =>
    `| ${values.map((value, column) => value.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  const notes = rows.flatMap((row) => row.notes.map((note) => `- ${row.what}: ${note}`));
  return [line(COLUMNS), rule, ...cells.map(line), "", ...notes].join("\n");
}
