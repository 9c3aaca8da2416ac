// Rows as CSV (RFC 4180) that a spreadsheet opens without running anything of it.

/** What makes a cell a formula in Excel, LibreOffice and Sheets, also after blanks; the full-width forms count in Excel. */
const FORMULA = /^[\s\p{Cc}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u;

/** Every cell is quoted, so that no separator of any locale parts it; one that could be a formula begins with an apostrophe. */
export function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map((cell) => (cell === null ? "" : quoted(cell))).join(",")}\r\n`;
}

function quoted(cell: string): string {
  const harmless = FORMULA.test(cell) ? `'${cell}` : cell;
  return `"${harmless.replaceAll('"', '""')}"`;
}
