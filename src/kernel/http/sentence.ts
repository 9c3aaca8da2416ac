// zod's findings as plain sentences that tell the user what to send.
import type { z } from "zod";

type RawIssue = z.core.$ZodRawIssue;

/** An error map for zod; messages that a schema gives itself go before it. */
export function bodySentence(issue: RawIssue): string {
  if (issue.input === undefined && (issue.code === "invalid_type" || issue.code === "invalid_value")) {
    return `This is required: send ${wanted(issue)}.`;
  }
  switch (issue.code) {
    case "invalid_type":
    case "invalid_value":
      return `Must be ${wanted(issue)}.`;
    case "too_small":
      return size(
        issue.origin,
        Number(issue.minimum),
        "at least",
        issue.inclusive === false ? "more than" : "",
      );
    case "too_big":
      return size(
        issue.origin,
        Number(issue.maximum),
        "at most",
        issue.inclusive === false ? "less than" : "",
      );
    case "invalid_format":
      return `Must be ${FORMATS[issue.format] ?? "in the documented format"}.`;
    case "not_multiple_of":
      return `Must be a multiple of ${issue.divisor}.`;
    case "invalid_union":
      return union(issue);
    case "invalid_key":
      return "This name is not allowed here.";
    case "unrecognized_keys":
      return "There is no such field here. Remove it, or correct its name.";
    default:
      return "Is not valid here.";
  }
}

/** The same for the query string, where all is text and nothing stands in quotes. */
export function querySentence(issue: RawIssue): string {
  if (Array.isArray(issue.input) && issue.code === "invalid_type") return "Give this once.";
  if (issue.input === undefined && issue.code === "invalid_type") return "This is required.";
  return bodySentence(issue);
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text in quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
  date: "a time",
};

const FORMATS: Readonly<Record<string, string>> = {
  email: "an email address such as ada@example.com",
  uuid: "an id in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
  url: "an address that starts with https://",
  datetime: "a time such as 2026-11-21T09:30:00Z",
  date: "a date such as 2026-11-21",
  time: "a time of day such as 09:30:00",
};

function wanted(issue: RawIssue): string {
  if (issue.code === "invalid_value" && Array.isArray(issue.values)) return choice(issue.values.map(quote));
  const expected = String(issue.expected);
  return KINDS[expected] ?? expected;
}

function quote(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}

function choice(items: readonly string[]): string {
  if (items.length <= 1) return items[0] ?? "nothing";
  return `${items.slice(0, -1).join(", ")} or ${items.at(-1)}`;
}

function size(origin: unknown, bound: number, phrase: string, exclusive: string): string {
  if (origin === "string") return `Must have ${phrase} ${bound} ${bound === 1 ? "character" : "characters"}.`;
  if (origin === "array" || origin === "set")
    return `Must have ${phrase} ${bound} ${bound === 1 ? "item" : "items"}.`;
  return `Must be ${exclusive || phrase} ${bound}.`;
}

/** A union's branches that only differ in kind become "text in quotes or a number". */
function union(issue: RawIssue): string {
  const branches: unknown = issue.errors;
  const kinds = new Set<string>();
  for (const branch of Array.isArray(branches) ? branches : []) {
    const first = branch[0];
    if (first?.path?.length === 0 && typeof first.expected === "string")
      kinds.add(KINDS[first.expected] ?? first.expected);
  }
  const prefix = issue.input === undefined ? "This is required: send" : "Must be";
  return kinds.size > 0 ? `${prefix} ${choice([...kinds])}.` : "Is not in any of the forms allowed here.";
}
