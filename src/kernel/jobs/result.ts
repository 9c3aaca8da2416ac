// What a handler returned, as JSON that PostgreSQL can keep.
import { type Failure, failureOf } from "./failure.ts";

export const MAX_RESULT_BYTES = 1_048_576;
/** NUL and lone surrogates as JSON.stringify writes them: escaped, behind an even number of backslashes. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

export type StorableResult = { readonly json: string } | { readonly failure: Failure };

export function toStorableResult(value: unknown): StorableResult {
  let json: string;
  try {
    // A function or a symbol is undefined to JSON, and nothing returned is null.
    json = JSON.stringify(value) ?? "null";
  } catch (error) {
    return invalid(String(error));
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_RESULT_BYTES) {
    return { failure: failureOf("JOB_RESULT_TOO_LARGE", "permanent", `${bytes} bytes`) };
  }
  if (UNSTORABLE.test(json)) return invalid("it holds NUL characters or lone surrogates");
  return { json };
}

function invalid(detail: string): StorableResult {
  return { failure: failureOf("JOB_RESULT_INVALID", "permanent", detail) };
}
