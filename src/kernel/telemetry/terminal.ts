// A log line as a person at a terminal wants it: time, level, sentence, then the fields; the stack of an error below.

const LEVELS: Readonly<Record<number, string>> = {
  20: "\x1b[90mdebug\x1b[0m",
  30: "\x1b[32minfo\x1b[0m ",
  40: "\x1b[33mwarn\x1b[0m ",
  50: "\x1b[31merror\x1b[0m",
  60: "\x1b[31mfatal\x1b[0m",
};

/** Turns a JSON line into its short form; what is no JSON object stays as it is. */
export function toTerminalLine(line: string): string {
  const fields = parse(line);
  if (fields === undefined) return line;
  const { level, time, process: _, msg, err, ...rest } = fields;
  const at = typeof time === "string" ? time.slice(11, 19) : "--:--:--";
  const shown = Object.entries(rest).map(([name, value]) => `\x1b[90m${name}=\x1b[0m${show(value)}`);
  const head = [at, LEVELS[Number(level)] ?? String(level), plain(String(msg)), ...shown].join(" ");
  return `${head}\n${err === undefined ? "" : showError(err)}`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function show(value: unknown): string {
  return typeof value === "string" && !/[\s"]/.test(value)
    ? plain(value)
    : plain(JSON.stringify(value) ?? "");
}

/** Control characters could move the cursor or rename the window. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
}

function showError(err: unknown): string {
  const stack =
    typeof err === "object" && err !== null && "stack" in err ? String(err.stack) : JSON.stringify(err);
  return `${stack
    .split("\n")
    .map((row) => `    ${plain(row)}`)
    .join("\n")}\n`;
}
