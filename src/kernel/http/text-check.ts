// Refuses what PostgreSQL or JSON cannot carry unharmed: NUL, lone surrogates, __proto__, endless nesting, infinity.
import { type FieldError, kernelErrors } from "../errors/index.ts";

/** Deeper than any body we describe; recursion over it stays far from the stack's end. */
const MAX_DEPTH = 64;
/** More would only bury the first ones. */
const MAX_FIELDS = 50;

/** Throws INVALID_TEXT or INVALID_INPUT for a value as JSON.parse or the query string gave it. */
export function checkValue(value: unknown, root: "body" | "query"): void {
  const walk: Walk = { root, path: [], texts: [] };
  visit(value, walk);
  if (walk.texts.length > 0) throw kernelErrors.INVALID_TEXT({ fields: walk.texts });
}

export function isCleanText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

interface Walk {
  readonly root: string;
  /** Where we are, written out only for what is wrong: a body may have millions of places. */
  readonly path: (string | number)[];
  readonly texts: FieldError[];
}

function visit(value: unknown, walk: Walk): void {
  if (typeof value === "string") {
    if (!isCleanText(value)) complain(walk, "Contains a NUL character or a lone surrogate. Remove it.");
  } else if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refused(walk, "This number is too large to be kept.");
  } else if (typeof value === "object" && value !== null) {
    visitMembers(value, walk);
  }
}

function visitMembers(value: object, walk: Walk): void {
  const { path } = walk;
  if (path.length >= MAX_DEPTH) {
    path.length = 0;
    throw refused(walk, `Nested too deeply: at most ${MAX_DEPTH} levels.`);
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      path.push(index);
      visit(value[index], walk);
      path.pop();
    }
    return;
  }
  // What JSON.parse makes inherits nothing that could be counted here, and Object.entries would take thrice the time.
  for (const key in value) {
    if (!isCleanText(key)) complain(walk, "A field's name contains a NUL character or a lone surrogate.");
    path.push(key);
    if (key === "__proto__") throw refused(walk, "This name is not allowed. Use another.");
    visit(value[key as keyof typeof value], walk);
    path.pop();
  }
}

function complain(walk: Walk, message: string): void {
  if (walk.texts.length < MAX_FIELDS) walk.texts.push({ path: place(walk), message });
}

function refused(walk: Walk, message: string) {
  return kernelErrors.INVALID_INPUT({ fields: [{ path: place(walk), message }] });
}

function place({ path, root }: Walk): string {
  return path.length === 0 ? root : path.join(".").toWellFormed();
}
