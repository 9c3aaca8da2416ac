// Paragraphs of a feed (RSS, Atom, RDF, JSON Feed): of each entry its title, then its text.
import { parseFeed } from "feedsmith";
import { readFragment } from "./html.ts";

/** A title or text as the formats write it: a string, or an object that tells its type. */
type Written =
  | string
  | { readonly value?: string; readonly type?: string; readonly encoded?: string }
  | undefined;

/** Where the formats keep what we look for. */
interface Entry {
  readonly title?: Written;
  readonly content?: Written;
  readonly content_html?: string;
  readonly content_text?: string;
  readonly description?: Written;
  readonly summary?: Written;
}

/** Throws when it is no feed. */
export function readFeed(text: string): string[] {
  const { feed } = parseFeed(text);
  // RSS, RDF and JSON Feed call them items, Atom entries; each of its own type.
  const { items, entries } = feed as { readonly items?: Entry[]; readonly entries?: Entry[] };
  return (items ?? entries ?? []).flatMap((entry) => {
    const title = toParagraphs(entry.title).join(" ");
    const body = entry.content_html ?? entry.content ?? entry.description ?? entry.summary;
    const paragraphs = body === undefined ? splitPlain(entry.content_text ?? "") : toParagraphs(body);
    return [title, ...paragraphs].filter((each) => each !== "");
  });
}

function toParagraphs(written: Written): string[] {
  if (written === undefined) return [];
  const text = typeof written === "string" ? written : (written.encoded ?? written.value ?? "");
  const isPlain = typeof written === "object" && written.type === "text";
  // Feeds seldom say whether it is HTML; what has no tags and no entities is read alike.
  return isPlain || !/[<&]/.test(text) ? splitPlain(text) : readFragment(text);
}

function splitPlain(text: string): string[] {
  return text
    .split(/\n[\t\r ]*\n/)
    .map((part) => part.replace(/\s+/g, " ").trim())
    .filter((part) => part !== "");
}
