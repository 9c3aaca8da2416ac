// The query string as an object of texts, before its schema checks it.
import { type FieldError, kernelErrors } from "../errors/index.ts";
import { checkValue } from "./text-check.ts";

/** `a=1&b=x+y` as {a: "1", b: "x y"}; a name given twice becomes a list, which schemas for one value refuse. */
export function parseQuery(text: string): Record<string, string | string[]> {
  if (text === "") return {};
  const values: Record<string, string | string[]> = {};
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decode(pair.slice(equals + 1));
    if (name === "__proto__") throw invalid(name);
    const before = Object.hasOwn(values, name) ? values[name] : undefined;
    values[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  checkValue(values, "query");
  return values;
}

function decode(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw invalid(spaced.slice(0, 50));
  }
}

function invalid(path: string) {
  const fields: FieldError[] = [{ path, message: "Is not valid percent-encoded UTF-8." }];
  return kernelErrors.INVALID_INPUT({ fields });
}
