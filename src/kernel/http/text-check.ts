// Refuses what PostgreSQL or JSON cannot carry unharmed: NUL, lone surrogates, __proto__, endless nesting, infinity.
import { type FieldError, kernelErrors } from "../errors/index.ts";

/** Deeper than any body we describe; recursion over it stays far from the stack's end. */
const MAX_DEPTH = 64;

/** Throws INVALID_TEXT or INVALID_INPUT for a value as JSON.parse or the query string gave it. */
export function checkValue(value: unknown, root: "body" | "query"): void {
  const texts: FieldError[] = [];
  walk(value, root, "", 0, texts);
  if (texts.length > 0) throw kernelErrors.INVALID_TEXT({ fields: texts.slice(0, 50) });
}

function walk(value: unknown, root: string, path: string, depth: number, texts: FieldError[]): void {
  if (typeof value === "string") {
    if (!isCleanText(value)) texts.push({ path: path || root, message: UNCLEAN });
  } else if (typeof value === "number") {
    if (!Number.isFinite(value)) throw invalid(path || root, "This number is too large to be kept.");
  } else if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) throw tooDeep(root);
    for (let index = 0; index < value.length; index++) {
      walk(value[index], root, join(path, String(index)), depth + 1, texts);
    }
  } else if (typeof value === "object" && value !== null) {
    if (depth >= MAX_DEPTH) throw tooDeep(root);
    for (const [key, member] of Object.entries(value)) {
      if (!isCleanText(key))
        texts.push({ path: path || root, message: "A field name contains NUL or half a character." });
      if (key === "__proto__") throw invalid(join(path, key), "This name is not allowed. Use another.");
      walk(member, root, join(path, key), depth + 1, texts);
    }
  }
}

const UNCLEAN = "Contains a NUL character or a lone surrogate. Remove it.";

export function isCleanText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function tooDeep(root: string) {
  return invalid(root, `Nested too deeply: at most ${MAX_DEPTH} levels.`);
}

function invalid(path: string, message: string) {
  return kernelErrors.INVALID_INPUT({ fields: [{ path: path.toWellFormed(), message }] });
}
