import { expect, test } from "bun:test";
import { findPathProblem, normalisePath, pathKey } from "./path.ts";

test("[PST-2] paths that any system can hold are taken", () => {
  const good = [
    "a",
    "notes/2026/agora.md",
    ".gitignore",
    "a b/c d.txt",
    "..a/b..c",
    "ünïcode/文書/🐋.md",
    "console/com/conx.md",
    "x".repeat(255),
    `${"x".repeat(200)}/`.repeat(5) + "y".repeat(19),
  ];
  for (const path of good) expect([path, findPathProblem(path)]).toEqual([path, undefined]);
});

test("[PST-2] paths that lead elsewhere, or nowhere on some system, are not", () => {
  const cases: [path: string, problem: string][] = [
    ["", "EMPTY"],
    ["/a", "SLASHES"],
    ["a/", "SLASHES"],
    ["a//b", "SLASHES"],
    ["/", "SLASHES"],
    ["..", "DOTS"],
    ["a/../b", "DOTS"],
    ["./a", "DOTS"],
    ["a/.", "DOTS"],
    ["..\\a", "CHARACTER"],
    ["C:/a", "CHARACTER"],
    ["a\u0000b", "CHARACTER"],
    ["a\nb", "CHARACTER"],
    ["a\u0085b", "CHARACTER"],
    ["gpj.\u202eexe", "CHARACTER"],
    ["a\u2028b", "CHARACTER"],
    ["a?", "CHARACTER"],
    ["a*b", "CHARACTER"],
    ["a|b", "CHARACTER"],
    ["a.", "ENDING"],
    ["a /b", "ENDING"],
    [" a", "ENDING"],
    ["...", "ENDING"],
    ["a/\u3000", "ENDING"],
    ["con", "DEVICE"],
    ["a/NUL.txt", "DEVICE"],
    ["Com1", "DEVICE"],
    ["x".repeat(256), "TOO_LONG"],
    ["é".repeat(128), "TOO_LONG"],
    [`${"x".repeat(200)}/`.repeat(6), "TOO_LONG"],
  ];
  for (const [path, problem] of cases)
    expect([path, findPathProblem(path)]).toEqual([path, problem as never]);
});

test("[PST-2] a path has one form, and a key that tells no case", () => {
  expect(normalisePath("cafe\u0301.md")).toBe("caf\u00e9.md");
  expect(pathKey("Notes/CAF\u00c9.md")).toBe(pathKey("notes/caf\u00e9.MD"));
  expect(pathKey("a.md")).not.toBe(pathKey("b.md"));
});
