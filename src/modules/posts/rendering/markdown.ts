// Markdown to HTML that is safe in any page: the renderer lets no HTML of the author through, and what it writes itself is
// held against a list, so that a fault in it alone does no harm.
import MarkdownIt from "markdown-it";
import { FilterXSS, type IFilterXSSOptions } from "xss";

/** By element: the attributes it may have. No ids and names, which could stand for a page's own; no styles. */
const ALLOWED: Readonly<Record<string, string[]>> = {
  a: ["href", "title", "rel"],
  img: ["src", "alt", "title", "loading", "referrerpolicy"],
  ol: ["start"],
  code: ["class"],
  th: ["align"],
  td: ["align"],
};
const PLAIN = "p h1 h2 h3 h4 h5 h6 ul li blockquote pre em strong s hr br table thead tbody tr".split(" ");

/** Of the web or of mail, or relative: without a scheme, and without what browsers drop from the middle of one. */
const ADDRESS = /^(?:https?:|mailto:|(?![a-z][a-z\d+.-]*:))[^\s\p{Cc}\\]*$/iu;
/** Entities by which an address could say another scheme than is seen; the renderer writes only those excepted. */
const ENTITY = /&(?!(?:amp|quot|lt|gt);)/;
const LANGUAGE = /^language-[\w+#.-]{1,50}$/;

/** Deeper than anyone writes; beyond it text stays as it is. */
const MAX_NESTING = 50;

export function createMarkdownRenderer(): (markdown: string) => string {
  const markdown = new MarkdownIt({ html: false, linkify: true, maxNesting: MAX_NESTING });
  // Only what is plainly an address: "notes.md" is a file here, not a host in Moldova.
  markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
  markdown.validateLink = (url) => ADDRESS.test(url);
  addAttributes(markdown);
  const whiteList = { ...ALLOWED, ...Object.fromEntries(PLAIN.map((name) => [name, []])) };
  const filter = new FilterXSS({ whiteList, css: false, safeAttrValue, stripIgnoreTag: true });
  return (text) => filter.process(markdown.render(text));
}

const safeAttrValue: IFilterXSSOptions["safeAttrValue"] = (tag, name, value) => {
  const isAddress = name === "href" || name === "src";
  if (isAddress && (!ADDRESS.test(value) || ENTITY.test(value))) return "";
  if (tag === "code" && name === "class" && !LANGUAGE.test(value)) return "";
  // They come escaped from the renderer; a quote or angle that is bare all the same would end the attribute.
  return value.replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
};

/** Links say nothing of the page they stand in; pictures are fetched when seen; columns are aligned without a style. */
function addAttributes(markdown: ReturnType<typeof MarkdownIt>): void {
  const { rules } = markdown.renderer;
  rules.link_open = (tokens, index, options, _env, self) => {
    tokens[index]?.attrSet("rel", "nofollow ugc noopener noreferrer");
    return self.renderToken(tokens, index, options);
  };
  const image = rules.image;
  rules.image = (tokens, index, options, env, self) => {
    tokens[index]?.attrSet("loading", "lazy");
    tokens[index]?.attrSet("referrerpolicy", "no-referrer");
    return image?.(tokens, index, options, env, self) ?? "";
  };
  for (const cell of ["th_open", "td_open"]) {
    rules[cell] = (tokens, index, options, _env, self) => {
      const token = tokens[index];
      const [, side] = /^text-align:\s*(left|right|center)$/.exec(String(token?.attrGet("style"))) ?? [];
      if (token) token.attrs = side ? [["align", side]] : null;
      return self.renderToken(tokens, index, options);
    };
  }
}
