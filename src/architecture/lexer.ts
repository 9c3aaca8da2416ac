// Blanks out comments, strings and regular expressions, so that a pattern can be looked for in code alone.

/** A slash after one of these begins a regular expression; after a name, a number or a closing bracket it divides. */
const BEFORE_REGEX =
  /(?:^|[([{}=,;:!&|?+\-*%~^<>]|\b(?:return|typeof|case|in|of|new|void|throw|await|else|do))$/;

/** The same length, line breaks and quotes kept, the insides of strings and all comments replaced by spaces. */
export function blankOut(text: string): string {
  const parts: string[] = [];
  /** Depth of braces at which each open `${` of a template ends. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;

  const keep = (end: number) => {
    parts.push(text.slice(at, end));
    at = end;
  };
  const blank = (end: number) => {
    parts.push(text.slice(at, end).replace(/[^\n]/g, " "));
    at = end;
  };
  const template = () => {
    const end = endOfTemplate(text, at);
    blank(end);
    if (text[at] === "`") return keep(at + 1);
    templates.push(depth);
    keep(at + 2);
  };

  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const character = two[0] ?? "";
    if (two === "//" || two === "/*") {
      blank(endOfComment(text, at));
    } else if (character === '"' || character === "'") {
      keep(at + 1);
      blank(endOfString(text, at, character));
      keep(at + 1);
    } else if (character === "`") {
      keep(at + 1);
      template();
    } else if (character === "/" && BEFORE_REGEX.test(parts.slice(-40).join("").trimEnd())) {
      keep(at + 1);
      blank(endOfRegex(text, at));
      keep(at + 1);
    } else if (character === "}" && templates.at(-1) === depth) {
      templates.pop();
      keep(at + 1);
      template();
    } else {
      if (character === "{") depth++;
      if (character === "}") depth--;
      keep(at + 1);
    }
  }
  return parts.join("");
}

function endOfComment(text: string, start: number): number {
  const isLine = text[start + 1] === "/";
  const end = isLine ? text.indexOf("\n", start) : text.indexOf("*/", start + 2) + 2;
  return end < start + 2 ? text.length : end;
}

function endOfString(text: string, start: number, quote: string): number {
  let at = start;
  while (at < text.length && text[at] !== quote && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
  return Math.min(at, text.length);
}

function endOfTemplate(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== "`" && !text.startsWith("${", at)) at += text[at] === "\\" ? 2 : 1;
  return Math.min(at, text.length);
}

function endOfRegex(text: string, start: number): number {
  let at = start;
  let isInClass = false;
  while (at < text.length && text[at] !== "\n" && (isInClass || text[at] !== "/")) {
    if (text[at] === "[") isInClass = true;
    if (text[at] === "]") isInClass = false;
    at += text[at] === "\\" ? 2 : 1;
  }
  return Math.min(at, text.length);
}
