// zod schemas as the JSON schemas of the API description, those with a name gathered in one place.
import { z } from "zod";

export type JsonSchema = Record<string, unknown>;

export interface SchemaBook {
  /** `input`: what may be sent; `output`: what comes back. A schema with an id becomes a reference. */
  convert(schema: z.ZodType, io: "input" | "output"): JsonSchema;
  /** All named schemas met so far, for components/schemas. */
  named(): Record<string, JsonSchema>;
}

export function createSchemaBook(): SchemaBook {
  const named: Record<string, JsonSchema> = {};
  return {
    convert(schema, io) {
      // What may be left out when it is sent is there when it comes back: two schemas, so two names.
      const suffix = io === "input" ? "Input" : "";
      // As a member of an object a schema that has a name becomes a reference, wherever it is used.
      const whole = z.toJSONSchema(z.strictObject({ it: schema }), {
        io,
        unrepresentable: "any",
        override: ({ zodSchema, jsonSchema }) => {
          // zod leaves out the default of what it transforms.
          const { def } = zodSchema._zod;
          if (def.type === "default") jsonSchema.default ??= toJson(def.defaultValue);
          tidy(jsonSchema, io);
        },
      });
      const text = JSON.stringify(whole).replaceAll(
        /"#\/\$defs\/([^"]+)"/g,
        (_, name) => `"#/components/schemas/${name}${suffix}"`,
      );
      // The same document with other references.
      const { $defs = {}, properties } = JSON.parse(text) as {
        $defs?: Record<string, JsonSchema>;
        properties: { it: JsonSchema };
      };
      for (const [name, definition] of Object.entries($defs)) named[name + suffix] = definition;
      return properties.it;
    },
    named: () => named,
  };
}

/** A default may be any value; one that JSON has no form for is left out. */
function toJson(value: unknown): z.core.JSONSchema.BaseSchema["default"] {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Leaves out what a reader has no use for. Undefined members vanish when the document is written. */
function tidy(schema: z.core.JSONSchema.BaseSchema, io: "input" | "output"): void {
  schema.id = undefined;
  // A format says it already; so does a number's kind.
  if (schema.format !== undefined || schema.type === "integer") schema.pattern = undefined;
  if (Math.abs(schema.minimum ?? 0) === Number.MAX_SAFE_INTEGER) schema.minimum = undefined;
  if (Math.abs(schema.maximum ?? 0) === Number.MAX_SAFE_INTEGER) schema.maximum = undefined;
  // A client must bear fields that are added to answers later.
  if (io === "output" && schema.additionalProperties === false) schema.additionalProperties = undefined;
  if (JSON.stringify(schema.propertyNames) === '{"type":"string"}') schema.propertyNames = undefined;
}
