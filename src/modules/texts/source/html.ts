// Paragraphs of a web page: what is worth reading in it, as Firefox's reader view sees it, block by block.
import { Readability } from "@mozilla/readability";
import { parseHTML } from "linkedom";

/** What of a document's nodes is needed; the types of the DOM are for browsers. */
interface PageNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly childNodes: Iterable<PageNode>;
}

const ELEMENT = 1;
const TEXT = 3;
const CDATA = 4;
const SILENT = new Set(
  "SCRIPT STYLE TITLE NOSCRIPT TEMPLATE SVG HEAD IFRAME OBJECT TEXTAREA SELECT BUTTON".split(" "),
);
/** A paragraph ends where one of them begins or ends. */
const BLOCKS = new Set(
  `ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY CENTER DD DETAILS DIV DL FIELDSET FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6
  HEADER HR MAIN NAV OL P PRE SECTION SUMMARY TABLE UL`.split(/\s+/),
);
/** A line of its own within a paragraph. */
const LINES = new Set(["LI", "TR", "DT", "BR", "CAPTION"]);
/** More is no page to be read. */
const MAX_ELEMENTS = 100_000;

export function readHtml(html: string): string[] {
  const document = toDocument(html);
  const article = new Readability(document, {
    maxElemsToParse: MAX_ELEMENTS,
    // The types of the DOM are not here; its elements have what we ask for.
    serializer: (element) => paragraphsOf(element as unknown as PageNode),
  }).parse();
  if (article?.content?.length) return article.content;
  // Too short for a guess at what matters, or nothing stands out.
  return paragraphsOf(toDocument(html).body as unknown as PageNode);
}

/** All of its text: of an entry of a feed, which is the readable part already. */
export function readFragment(html: string): string[] {
  return paragraphsOf(wrap(html).body as unknown as PageNode);
}

/** linkedom makes up no html and body where they are left out, as they may be: then all of it goes into a body of ours. */
function toDocument(html: string) {
  const { document } = parseHTML(html);
  // Without a root element it has no body to be asked for.
  const text = document.firstElementChild ? document.body?.textContent : null;
  return text?.trim() ? document : wrap(html);
}

function wrap(html: string) {
  return parseHTML(`<!doctype html><html><head></head><body>${html}</body></html>`).document;
}

function paragraphsOf(root: PageNode): string[] {
  const paragraphs: string[] = [];
  let lines: string[] = [""];

  function flush(): void {
    const text = lines
      .map((line) => line.trimEnd())
      .join("\n")
      .replace(/\n{3,}/g, "\n\n")
      .trim();
    if (text !== "") paragraphs.push(text);
    lines = [""];
  }

  function add(text: string, isKept: boolean): void {
    const last = lines.pop() ?? "";
    const shown = isKept ? text : text.replace(/[\t\n\f\r ]+/g, " ");
    lines.push(last === "" && !isKept ? shown.trimStart() : last + shown);
  }

  function walk(node: PageNode, isKept: boolean): void {
    if (node.nodeType === TEXT || node.nodeType === CDATA) add(node.textContent ?? "", isKept);
    if (node.nodeType !== ELEMENT) return;
    const name = node.nodeName.toUpperCase();
    if (SILENT.has(name)) return;
    const isBlock = BLOCKS.has(name);
    if (isBlock) flush();
    if (LINES.has(name)) lines.push("");
    if (name === "TD" || name === "TH") add(" ", false);
    for (const child of node.childNodes) walk(child, isKept || name === "PRE");
    if (isBlock) flush();
  }

  walk(root, false);
  flush();
  return paragraphs;
}
