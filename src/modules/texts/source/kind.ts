// What a source gave, told by its media type, else by how it begins or is called; and its bytes as text.

export type SourceKind = "text" | "markdown" | "html" | "feed";

const BY_TYPE: Readonly<Record<string, SourceKind>> = {
  "text/plain": "text",
  "text/markdown": "markdown",
  "text/x-markdown": "markdown",
  "text/html": "html",
  "application/xhtml+xml": "html",
  "application/rss+xml": "feed",
  "application/atom+xml": "feed",
  "application/rdf+xml": "feed",
  "application/xml": "feed",
  "text/xml": "feed",
  "application/feed+json": "feed",
  "application/json": "feed",
};
/** Says nothing of what it is. */
const VAGUE = ["", "text/plain", "application/octet-stream"];

/** Undefined when it is nothing to read. */
export function kindOf(type: string, path: string, text: string): SourceKind | undefined {
  const media = type.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const head = text.slice(0, 1_000).trimStart();
  // Some send plain text as HTML, which would run into one paragraph.
  if (media === "text/html" && !/<[a-z!/]/i.test(text)) return "text";
  if (!VAGUE.includes(media)) return BY_TYPE[media];
  if (/^<!doctype html|^<html[\s>]/i.test(head)) return "html";
  if (/^(?:<\?xml[^>]*>\s*)?<(?:rss|feed|rdf:RDF)[\s>]/i.test(head)) return "feed";
  if (/\.(?:md|markdown)$/i.test(path)) return "markdown";
  if (/\.html?$/i.test(path)) return "html";
  // A byte that no text holds.
  return text.includes("\0") ? undefined : "text";
}

/** In the character set that the answer names, or a page within itself; else UTF-8. */
export function decodeText(bytes: Uint8Array, type: string): string {
  const head = Buffer.from(bytes.subarray(0, 1_024)).toString("latin1");
  const named = /charset=["']?([\w:-]+)/i.exec(type) ?? /<meta[^>]{0,200}charset=["']?([\w:-]+)/i.exec(head);
  const declared = named ?? /^<\?xml[^>]{0,200}encoding=["']([\w:-]+)/i.exec(head);
  try {
    // The types know the names that Bun has; it throws for others.
    return new TextDecoder((declared?.[1] ?? "utf-8") as "utf-8").decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}
