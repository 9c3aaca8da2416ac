// The repository as text: what the architecture's rules are checked against, read once from disk or made up by a test.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { blankOut } from "./lexer.ts";

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text of a TypeScript file with comments and the insides of strings blanked out, same length. */
  readonly code: string;
  readonly lines: readonly string[];
}

export interface Repository {
  readonly files: ReadonlyMap<string, SourceFile>;
}

const SKIPPED = new Set(["node_modules", ".git", "data", "dist", "coverage"]);
const READ = /\.(?:ts|tsx|sql|md|json|css|html)$|(?:^|\/)(?:\.env\.example|LICENSE|run)$/;

export function readRepository(root: string): Repository {
  const texts: Record<string, string> = {};
  for (const entry of listFiles(root)) {
    const path = relative(root, entry).split(sep).join("/");
    if (READ.test(path)) texts[path] = readFileSync(entry, "utf8");
  }
  return toRepository(texts);
}

/** A repository made of texts, by path. */
export function toRepository(texts: Readonly<Record<string, string>>): Repository {
  const files = Object.entries(texts).map(([path, text]): [string, SourceFile] => [
    path,
    { path, text, code: path.endsWith(".ts") ? blankOut(text) : text, lines: text.split("\n") },
  ]);
  return { files: new Map(files.sort(([one], [other]) => (one < other ? -1 : 1))) };
}

export function listMatching(repository: Repository, pattern: RegExp): SourceFile[] {
  return [...repository.files.values()].filter((file) => pattern.test(file.path));
}

export function isTest(path: string): boolean {
  return path.endsWith(".test.ts") || /^src\/(?:.*\/)?(?:testing\/|test-[\w-]+\.ts$)/.test(path);
}

/** Whether the comment right above this line says why it departs from the house style. */
export function isExcused(file: SourceFile, lineIndex: number): boolean {
  for (let index = lineIndex - 1; index >= 0; index--) {
    const line = file.lines[index]?.trim() ?? "";
    if (!/^(?:\/\/|\/?\*|--)/.test(line)) return false;
    if (line.includes("Against house style:")) return true;
  }
  return false;
}

export interface Hit {
  readonly lineIndex: number;
  readonly match: RegExpMatchArray;
}

/** Where a pattern occurs in the code, comments and strings aside, unless a comment above excuses it. */
export function findInCode(file: SourceFile, pattern: RegExp): Hit[] {
  return file.code.split("\n").flatMap((line, lineIndex) => {
    const match = line.match(pattern);
    return match && !isExcused(file, lineIndex) ? [{ lineIndex, match }] : [];
  });
}

function listFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    return entry.isFile() ? [path] : [];
  });
}
