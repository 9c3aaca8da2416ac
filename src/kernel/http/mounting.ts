// What a route must be to be mounted: mistakes in a description stop the start, not a user's request.
import type { z } from "zod";
import type { Route } from "./route.ts";

/** Throws when one of `added` is described wrongly or is there already. */
export function checkRoutes(mounted: readonly Route[], added: readonly Route[]): void {
  const names = new Set(mounted.map(({ spec }) => spec.operationId));
  const addresses = new Set(mounted.map(addressOf));
  for (const route of added) {
    const problem = findMistake(route);
    const name = `${route.spec.method} ${route.spec.path}`;
    if (problem) throw new Error(`${name}: ${problem}`);
    if (names.has(route.spec.operationId)) throw new Error(`${name}: a second ${route.spec.operationId}`);
    if (addresses.has(addressOf(route))) throw new Error(`${name}: mounted twice`);
    names.add(route.spec.operationId);
    addresses.add(addressOf(route));
  }
}

/** What a parameter is called does not tell two addresses apart. */
function addressOf({ spec }: Route): string {
  return `${spec.method} ${spec.path.replace(/\{\w+\}/g, "{}")}`;
}

function findMistake({ spec }: Route): string | undefined {
  const { method, path, access, body, query, params, isIdempotent, permission } = spec;
  if (!/^(?:\/(?:[\w.-]+|\{\w+\})?)+$/.test(path) || /.\/$/.test(path)) return "the path is malformed";
  if (body && (method === "GET" || method === "DELETE")) return `${method} takes no body`;
  if (isIdempotent && method !== "POST") return "only a POST takes an Idempotency-Key";
  // A key belongs to its caller: among strangers one could fetch another's answer.
  if (isIdempotent && access === "public") return "an Idempotency-Key needs an authenticated caller";
  if ((access === "user or key") !== (permission !== undefined))
    return "a route that takes API keys names the permission they need, and no other does";
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  const described = params ? Object.keys(shapeOf(params) ?? {}).sort() : [];
  if (names.join() !== described.join()) return `params describe ${described}, the path has ${names}`;
  const loose =
    findLoose(query, "query") ?? (body && !("stream" in body) ? findLoose(body, "body") : undefined);
  return loose && `${loose} lets unknown fields through; use z.strictObject`;
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  return "shape" in schema ? (schema.shape as Record<string, z.ZodType>) : undefined;
}

/** The path of the first object in a schema that drops what it does not know, which would hide a user's mistake. */
function findLoose(schema: z.ZodType | undefined, path: string): string | undefined {
  return schema && searchLoose(schema, path, new Set());
}

function searchLoose(schema: z.core.$ZodType, path: string, seen: Set<z.core.$ZodType>): string | undefined {
  if (seen.has(schema)) return undefined;
  seen.add(schema);
  // zod types its definitions by kind; only the members asked for here are read.
  const def = schema._zod.def as unknown as Record<string, unknown> & { type: string };
  if (def.type === "object" && def.catchall === undefined) return path;
  for (const [name, inner] of innerSchemas(def)) {
    const found = searchLoose(inner, name === "" ? path : `${path}.${name}`, seen);
    if (found) return found;
  }
  return undefined;
}

function innerSchemas(def: Record<string, unknown>): [string, z.core.$ZodType][] {
  const named = Object.entries(def.shape ?? {});
  const single = ["innerType", "element", "valueType", "in", "out", "left", "right"].map((key) => def[key]);
  const lists = ["options", "items"].flatMap((key) => (Array.isArray(def[key]) ? def[key] : []));
  const unnamed = [...single, ...lists].map((inner): [string, unknown] => ["", inner]);
  return [...named, ...unnamed].filter((pair): pair is [string, z.core.$ZodType] => isSchema(pair[1]));
}

/** Members of those names hold other things too, such as a default's value. */
function isSchema(value: unknown): value is z.core.$ZodType {
  return typeof value === "object" && value !== null && "_zod" in value;
}
