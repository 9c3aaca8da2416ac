// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the cases are source code in strings.
import { expect, test } from "bun:test";
import { blankOut } from "./lexer.ts";

const CASES: readonly (readonly [name: string, text: string, code: string])[] = [
  ["comments go, line breaks stay", "a; // b\n/* c\n d */ e", "a;     \n    \n      e"],
  ["strings keep their quotes", `f("a // b", 'it\\'s')`, `f("      ", '     ')`],
  ["templates keep the code in them", "`a ${b(`c ${d}`)} e` + f", "`  ${b(`  ${d}`)}  ` + f"],
  ["braces inside a template's code", "`${{ a: 1 }.a}b`", "`${{ a: 1 }.a} `"],
  ["regular expressions are blanked", `x = /["'\`/]/g.test(y)`, "x = /      /g.test(y)"],
  ["a slash between values divides", "a / b; (c) / d // e", "a / b; (c) / d     "],
  ["an open string ends with its line", '"a\nb', '" \nb'],
];

for (const [name, text, code] of CASES) {
  test(`[ARC-13] the environment is looked for in code alone: ${name}`, () =>
    expect(blankOut(text)).toBe(code));
}
