// Who is mentioned in a body: @name, outside of code, and which members of the project that means.

export interface Named {
  readonly id: string;
  readonly name: string | null;
}

/** Different names in one body; a text with more is a list, not a message. */
const MAX_HANDLES = 100;
const MAX_HANDLE_UNITS = 64;

// Not after a letter, so that addresses of mail are none, nor within a path.
const MENTION = /(?<![\p{L}\p{N}\p{M}_@./-])@([\p{L}\p{N}][\p{L}\p{N}\p{M}._'’-]*)/gu;
const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
const INLINE_CODE = /`[^`]*`/g;

/** The different names that are mentioned, in the form in which they are compared. */
export function listHandles(body: string): ReadonlySet<string> {
  const handles = new Set<string>();
  if (!body.includes("@")) return handles;
  for (const line of linesOutsideFences(body)) {
    if (!line.includes("@")) continue;
    for (const [, text = ""] of line.replaceAll(INLINE_CODE, " ").matchAll(MENTION)) {
      if (text.length > MAX_HANDLE_UNITS) continue;
      handles.add(fold(text));
      if (handles.size >= MAX_HANDLES) return handles;
    }
  }
  return handles;
}

function* linesOutsideFences(body: string): Generator<string> {
  let fence: string | undefined;
  for (const line of body.split(/\r\n|\n|\r/)) {
    const opened = FENCE.exec(line)?.[1];
    if (fence === undefined && opened === undefined) yield line;
    else if (fence === undefined) fence = opened;
    else if (opened?.startsWith(fence) && line.trim() === opened) fence = undefined;
  }
}

/**
 * The members that the names mean: by id; by whole name, all who have it; by the first word of a name, if one member alone
 * has it. Case, spaces, dots, hyphens, underscores and apostrophes make no difference.
 */
export function resolveHandles(handles: ReadonlySet<string>, members: readonly Named[]): ReadonlySet<string> {
  const found = new Set<string>();
  const byId = new Map(members.map(({ id }) => [fold(id), id]));
  const byName = group(members, (name) => name);
  const byFirst = group(members, (name) => name.trim().split(/\s/u)[0] ?? "");
  for (const handle of handles) {
    const id = byId.get(handle);
    const named = byName.get(handle);
    const first = byFirst.get(handle);
    if (id) found.add(id);
    else if (named) for (const each of named) found.add(each);
    else if (first?.length === 1) for (const each of first) found.add(each);
  }
  return found;
}

function group(
  members: readonly Named[],
  part: (name: string) => string,
): ReadonlyMap<string, readonly string[]> {
  const ids = new Map<string, string[]>();
  for (const { id, name } of members) {
    const key = fold(part(name ?? ""));
    if (key === "") continue;
    const list = ids.get(key);
    if (list) list.push(id);
    else ids.set(key, [id]);
  }
  return ids;
}

function fold(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[\s._'’-]/gu, "");
}
