// What a source file may do: read the environment, call Bun, keep state, cast; and how it begins.
import {
  findInCode,
  type Hit,
  isTest,
  listMatching,
  type Repository,
  type SourceFile,
} from "./repository.ts";

const MAY_READ_ENVIRONMENT = /^src\/(?:main\.ts|kernel\/config\/|process\/)/;
const MAY_CALL_BUN = /^src\/(?:main\.ts|kernel\/(?:cache|db|http|files)\/|modules\/live\/|process\/)/;

export function environmentReaders(repository: Repository): string[] {
  return report(
    listMatching(repository, /^src\/.*\.ts$/).filter(
      ({ path }) => !MAY_READ_ENVIRONMENT.test(path) && !isTest(path),
    ),
    /\b(?:process|Bun)\.env\b|\bimport\.meta\.env\b/,
    "the environment is read in src/kernel/config only; add a setting there and take it as an argument",
  );
}

export function bunCallers(repository: Repository): string[] {
  const files = listMatching(repository, /^src\/.*\.ts$/).filter(
    ({ path }) => !MAY_CALL_BUN.test(path) && !isTest(path),
  );
  const advice =
    "Bun's own APIs stay in kernel/cache, kernel/db, kernel/http, kernel/files and the live module; use node: or their faces";
  const importers = files.flatMap((file) =>
    [...file.text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "(bun(?::(?!test")\w+)?)"/gm)].map(
      (match) => `${file.path}:${lineOf(file, match.index)}: import of ${match[1]}; ${advice}.`,
    ),
  );
  return [...importers, ...report(files, /\bBun\.\w+/, advice)];
}

/** A `let`, or a collection made empty, at module level can only be there to be changed; NOTHING = [] is a constant. */
export function moduleState(repository: Repository): string[] {
  return report(
    listMatching(repository, /^(?:src|bench|scripts)\/.*\.ts$/).filter(({ path }) => !isTest(path)),
    /^(?:export )?(?:(?:let|var) \w+|const \w+(?:: [^=]+)? = new (?:Map|Set|WeakMap|WeakSet)(?:<[^=]*>)?\(\);|const [a-z]\w*(?:: [^=]+)? = (?:\[\]|\{\});)/,
    "no mutable state at module level; hold it in what a create function returns",
  );
}

export function castsWithoutReason(repository: Repository): string[] {
  return listMatching(repository, /^(?:src|bench|scripts)\/.*\.ts$/)
    .filter(({ path }) => !isTest(path))
    .flatMap((file) =>
      findInCode(file, /\bas (?:unknown as|never)\b/)
        .filter(({ lineIndex }) => !hasCommentNear(file, lineIndex))
        .map((hit) => at(file, hit, "a cast past the compiler carries its reason in a comment above it")),
    );
}

export function silentOpenings(repository: Repository): string[] {
  return listMatching(repository, /^(?:src|bench|scripts)\/.*\.(?:ts|sql)$/)
    .filter(({ path }) => !path.endsWith(".test.ts"))
    .filter(
      ({ lines }) =>
        !/^(?:\/\/|--|\/\*\*?) \S.{10,}/.test(
          lines[0]?.startsWith("#!") ? (lines[1] ?? "") : (lines[0] ?? ""),
        ),
    )
    .map(({ path }) => `${path}:1: open the file with one sentence on what it is for.`);
}

function hasCommentNear(file: SourceFile, lineIndex: number): boolean {
  return file.lines
    .slice(Math.max(0, lineIndex - 3), lineIndex + 1)
    .some((line) => /(?:^|\s)(?:\/\/|\/\*\*|\*) /.test(line));
}

function report(files: readonly SourceFile[], pattern: RegExp, advice: string): string[] {
  return files.flatMap((file) =>
    findInCode(file, pattern).map((hit) => at(file, hit, `${hit.match[0].trim()}; ${advice}`)),
  );
}

function at(file: SourceFile, hit: Hit, sentence: string): string {
  return `${file.path}:${hit.lineIndex + 1}: ${sentence}.`;
}

function lineOf(file: SourceFile, index: number): number {
  return file.text.slice(0, index).split("\n").length;
}
