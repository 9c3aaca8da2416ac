// Checks input against a route's schemas and says in plain sentences what to send instead.
import type { z } from "zod";
import { type FieldError, kernelErrors } from "../errors/index.ts";
import { bodySentence, querySentence } from "./sentence.ts";

/** More would only bury the first ones. */
const MAX_FIELD_ERRORS = 50;

/** The parsed value; throws INVALID_INPUT with a sentence for every field that is wrong. `root` names the value itself. */
export function validate<T>(schema: z.ZodType<T>, input: unknown, root: "body" | "query"): T {
  const result = schema.safeParse(input, { error: root === "body" ? bodySentence : querySentence });
  if (result.success) return result.data;
  throw kernelErrors.INVALID_INPUT({ fields: toFieldErrors(result.error.issues, root) });
}

function toFieldErrors(issues: readonly z.core.$ZodIssue[], root: string): FieldError[] {
  const fields: FieldError[] = [];
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) fields.push({ path: join([...issue.path, key], root), message: UNKNOWN });
    } else {
      fields.push({ path: join(issue.path, root), message: issue.message });
    }
  }
  return fields.slice(0, MAX_FIELD_ERRORS);
}

const UNKNOWN = "There is no such field here. Remove it, or correct its name.";

function join(path: readonly PropertyKey[], root: string): string {
  return path.length === 0 ? root : path.map(String).join(".").toWellFormed();
}
