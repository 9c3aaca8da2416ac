// Finding the route of a request: Hono's router over our table, by path and method, fixed paths before parameters.
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

export interface RouteMatch<T> {
  readonly target: T;
  /** Percent-decoded; undefined when one is not valid percent-encoded UTF-8. */
  readonly params: Readonly<Record<string, string>> | undefined;
}

export interface RouteTable<T> {
  find(method: string, path: string): RouteMatch<T> | undefined;
  /** The methods that this path takes, HEAD and OPTIONS included; empty when there is no such path. */
  methodsAt(path: string): string[];
}

export interface TableEntry<T> {
  readonly method: string;
  /** Parameters in braces: `/posts/{id}`. */
  readonly path: string;
  readonly target: T;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

export function createRouteTable<T>(entries: readonly TableEntry<T>[]): RouteTable<T> {
  const router = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });
  const sorted = [...entries].sort((a, b) => parameterRank(a.path).localeCompare(parameterRank(b.path)));
  for (const entry of sorted) router.add(entry.method, entry.path.replace(/\{(\w+)\}/g, ":$1"), entry.target);

  function find(method: string, path: string): RouteMatch<T> | undefined {
    const result = router.match(method, path);
    const first = result[0][0];
    if (first === undefined) return undefined;
    const [target, names] = first;
    return { target, params: toParams(names, result[1]) };
  }

  return {
    find,
    methodsAt(path) {
      const methods: string[] = METHODS.filter((method) => find(method, path) !== undefined);
      if (methods.includes("GET")) methods.splice(1, 0, "HEAD");
      return methods.length > 0 ? [...methods, "OPTIONS"] : [];
    },
  };
}

/** Sorts `/posts/top` before `/posts/{id}`, segment by segment: a fixed segment is 0, a parameter 1. */
function parameterRank(path: string): string {
  return path
    .split("/")
    .map((segment) => (segment.includes("{") ? "1" : "0"))
    .join("");
}

/** RegExpRouter gives indices into a stash of matches, TrieRouter the values themselves. */
function toParams(
  names: Readonly<Record<string, string | number>>,
  stash: readonly string[] | undefined,
): Readonly<Record<string, string>> | undefined {
  let params: Record<string, string> | undefined;
  for (const name in names) {
    const value = names[name];
    const text = typeof value === "number" ? stash?.[value] : value;
    const decoded = text === undefined ? undefined : decode(text);
    if (decoded === undefined) return undefined;
    params ??= {};
    params[name] = decoded;
  }
  return params ?? NO_PARAMS;
}

function decode(text: string): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
