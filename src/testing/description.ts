// The server's own description, read as a stranger would: its operations, and requests that fit them.

export type Schema = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

/** One operation of /openapi.json. */
export interface Operation {
  readonly operationId: string;
  readonly method: string;
  /** Parameters in braces. */
  readonly path: string;
  readonly tags: readonly string[];
  /** Empty for one that asks nobody who he is. */
  readonly security: readonly unknown[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

export interface Description {
  readonly operations: readonly Operation[];
  readonly schemas: Readonly<Record<string, Schema>>;
}

export async function readDescription(server: {
  fetch(request: Request): Promise<Response>;
}): Promise<Description> {
  const response = await server.fetch(new Request("http://stoa.test/openapi.json"));
  // The description's own tests hold it against OpenAPI 3.1.
  const document = (await response.json()) as {
    paths: Record<string, Record<string, Omit<Operation, "path" | "method">>>;
    components: { schemas: Record<string, Schema> };
  };
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, rest]) => ({
      ...rest,
      path,
      method: method.toUpperCase(),
      parameters: (rest.parameters ?? []).filter((parameter) => "in" in parameter),
    })),
  );
  return { operations, schemas: document.components.schemas };
}

/**
 * A value that fits a schema, with as few members as it takes.
 * @param known values by the name of a member, such as project_id; those are taken wherever the schema allows them.
 */
export function sampleOf(
  schema: Schema,
  schemas: Description["schemas"],
  known: Readonly<Record<string, unknown>> = {},
): unknown {
  const inner = (part: unknown) => sampleOf(part as Schema, schemas, known);
  if (typeof schema.$ref === "string") return inner(schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {});
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  for (const key of ["anyOf", "oneOf"]) {
    const options = schema[key];
    if (Array.isArray(options)) return inner(options[0]);
  }
  switch (schema.type) {
    case "object":
      return sampleObject(schema, inner, known);
    case "array":
      return Array.from({ length: Number(schema.minItems ?? 1) }, () => inner(schema.items ?? {}));
    case "integer":
    case "number":
      return Math.max(1, Number(schema.minimum ?? 1));
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return sampleText(schema);
  }
}

function sampleObject(
  schema: Schema,
  inner: (part: unknown) => unknown,
  known: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  // JSON Schema's own keywords.
  const properties = (schema.properties ?? {}) as Record<string, unknown>;
  const required = (schema.required ?? []) as string[];
  const names = new Set(required.length > 0 ? required : Object.keys(properties).slice(0, 1));
  for (const name of Object.keys(properties)) if (name in known) names.add(name);
  return Object.fromEntries(
    [...names].map((name) => [name, name in known ? known[name] : inner(properties[name] ?? {})]),
  );
}

function sampleText(schema: Schema): string {
  if (schema.format === "uuid") return crypto.randomUUID();
  if (schema.format === "date-time") return new Date(Date.now() + 3_600_000).toISOString();
  if (schema.format === "email") return "somebody@example.org";
  return "sample".padEnd(Number(schema.minLength ?? 0), "x");
}
