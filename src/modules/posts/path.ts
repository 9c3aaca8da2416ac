// What a post may be called as a file: a path that any system can hold, and that leads nowhere but into its project.

/** Bytes in UTF-8, as file systems count. */
export const MAX_PATH_BYTES = 1_024;
const MAX_NAME_BYTES = 255;

// What Windows forbids, what ends a text early, and what turns the direction in which a name is shown.
const FORBIDDEN = /[\p{Cc}\\<>:"|?*\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;
/** Names of devices on Windows, with any extension. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;

export type PathProblem = keyof typeof PATH_PROBLEMS;

export const PATH_PROBLEMS = {
  EMPTY: "Must not be empty. Leave it out for a post that is no file.",
  TOO_LONG: `Must be at most ${MAX_PATH_BYTES} bytes in UTF-8, and each of its parts at most ${MAX_NAME_BYTES}.`,
  SLASHES: "Must not begin or end with a slash, nor hold two in a row.",
  DOTS: "Must not have . or .. as a part.",
  CHARACTER: 'Must hold none of \\ < > : " | ? *, no control characters and no marks of direction.',
  ENDING: "Must have no part that begins or ends with a space, or ends with a dot.",
  DEVICE: "Must have no part that Windows keeps for devices, such as con or nul.",
} as const;

/** The one form of a path: NFC, since macOS and others write é in different ways. */
export function normalisePath(path: string): string {
  return path.normalize("NFC");
}

/** What is wrong with a path in its one form; undefined when nothing is. */
export function findPathProblem(path: string): PathProblem | undefined {
  if (path === "") return "EMPTY";
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return "TOO_LONG";
  if (FORBIDDEN.test(path)) return "CHARACTER";
  for (const name of path.split("/")) {
    const problem = findNameProblem(name);
    if (problem) return problem;
  }
  return undefined;
}

function findNameProblem(name: string): PathProblem | undefined {
  if (name === "") return "SLASHES";
  if (name === "." || name === "..") return "DOTS";
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return "TOO_LONG";
  if (/^\s|\s$|\.$/u.test(name)) return "ENDING";
  return DEVICE.test(name) ? "DEVICE" : undefined;
}

/** Two paths with the same key are the same file on some system: those of macOS and Windows tell no case. */
export function pathKey(path: string): string {
  return path.toLowerCase().normalize("NFC");
}
