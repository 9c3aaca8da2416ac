// Who imports whom: the direction of the kernel and the modules, their faces, and cycles among them.
import { posix } from "node:path";
import { isExcused, isTest, listMatching, type Repository, type SourceFile } from "./repository.ts";

export interface Import {
  readonly from: SourceFile;
  /** Path from the root for a relative import, else the package's specifier. */
  readonly target: string;
  readonly lineIndex: number;
}

/** All imports and re-exports of a file, types included. */
function listImports(file: SourceFile): Import[] {
  return [...file.code.matchAll(/\b(?:from|import)\s*\(?\s*(["'])( *)\1/g)].map((match) => {
    const start = match.index + match[0].length - 1 - (match[2]?.length ?? 0);
    const specifier = file.text.slice(start, start + (match[2]?.length ?? 0));
    const target = specifier.startsWith(".") ? posix.join(posix.dirname(file.path), specifier) : specifier;
    return { from: file, target, lineIndex: file.text.slice(0, start).split("\n").length - 1 };
  });
}

/** The kernel's mechanism or the module that a path lies in, such as `src/kernel/db`. */
function roomsOf(path: string): string | undefined {
  return path.match(/^src\/(?:kernel|modules)\/[^/]+(?=\/)/)?.[0];
}

export function kernelThatKnowsModules(repository: Repository): string[] {
  return importsOf(repository, /^src\/kernel\/.*\.ts$/)
    .filter((each) => /^src\/(?:modules\/|app\.ts|main\.ts)/.test(each.target))
    .map(
      (each) =>
        `${where(each)} imports ${each.target}: the kernel knows no module; pass it in as an argument.`,
    );
}

export function importsPastTheFace(repository: Repository): string[] {
  return importsOf(repository, /^src\/.*\.ts$/)
    .filter((each) => {
      const target = roomsOf(each.target);
      return (
        target !== undefined && target !== roomsOf(each.from.path) && each.target !== `${target}/index.ts`
      );
    })
    .map(
      (each) =>
        `${where(each)} imports ${each.target}: import ${roomsOf(each.target)}/index.ts and export there what is missing.`,
    );
}

export function productionThatImportsTests(repository: Repository): string[] {
  return importsOf(repository, /^src\/.*\.ts$/)
    .filter((each) => !isTest(each.from.path) && !each.from.path.startsWith("src/architecture/"))
    .filter(
      (each) =>
        isTest(each.target) || each.target.startsWith("src/architecture/") || each.target === "bun:test",
    )
    .map((each) => `${where(each)} imports ${each.target}: the program must not need its tests.`);
}

/** Cycles among the folders of the kernel and the modules; tests may look anywhere. */
export function cycles(repository: Repository): string[] {
  const graph = new Map<string, Set<string>>();
  for (const each of importsOf(repository, /^src\/(?:kernel|modules)\/.*\.ts$/)) {
    const from = roomsOf(each.from.path);
    const to = roomsOf(each.target);
    if (!from || !to || from === to || isTest(each.from.path)) continue;
    graph.set(from, (graph.get(from) ?? new Set()).add(to));
  }
  const found = new Set<string>();
  for (const start of graph.keys()) {
    const cycle = findCycle(graph, start);
    if (cycle) found.add(cycle);
  }
  return [...found].map(
    (cycle) => `${cycle}: a cycle; let one of them hear the other's event or be handed a function.`,
  );
}

/** The shortest way from a folder back to itself, written from its first name in the alphabet. */
function findCycle(graph: ReadonlyMap<string, ReadonlySet<string>>, start: string): string | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way; way = ways.shift()) {
    for (const next of graph.get(way.at(-1) ?? "") ?? []) {
      if (next === start) return rotate(way).join(" → ");
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

function rotate(cycle: readonly string[]): string[] {
  const first = cycle.indexOf([...cycle].sort()[0] ?? "");
  const turned = [...cycle.slice(first), ...cycle.slice(0, first)];
  return [...turned, turned[0] ?? ""];
}

function importsOf(repository: Repository, pattern: RegExp): Import[] {
  return listMatching(repository, pattern)
    .flatMap(listImports)
    .filter((each) => !isExcused(each.from, each.lineIndex));
}

function where(each: Import): string {
  return `${each.from.path}:${each.lineIndex + 1}`;
}
