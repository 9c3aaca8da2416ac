// The rooms: what every module has, what a file may be called, how long it may be, and whose tables it reads.
import { findInCode, isTest, listMatching, type Repository } from "./repository.ts";

const COMPULSORY = ["spec.md", "index.ts", "module.ts"];
const KERNEL = new Set(
  "config db events jobs bus cache limits outbound mail files secrets http telemetry clock ids errors lifecycle audit".split(
    " ",
  ),
);
/** Shapes, not subjects: a file called so collects whatever had no place. */
const BANNED = /(?:^|-)(?:utils?|helpers?|commons?|types?|misc|managers?|services?|shared|stuff)$/;
const MAX_LINES = 400;

export function missingRooms(repository: Repository): string[] {
  const modules = new Set(
    listMatching(repository, /^src\/modules\/[^/]+\//).map((file) => file.path.split("/")[2]),
  );
  return [...modules].flatMap((name) =>
    COMPULSORY.filter((room) => !repository.files.has(`src/modules/${name}/${room}`)).map(
      (room) => `src/modules/${name}/${room} is missing: every module has ${COMPULSORY.join(", ")}.`,
    ),
  );
}

export function unknownMechanisms(repository: Repository): string[] {
  const names = new Set(
    listMatching(repository, /^src\/kernel\/[^/]+\//).map((file) => file.path.split("/")[2] ?? ""),
  );
  return [...names].flatMap((name) => {
    if (!KERNEL.has(name))
      return [
        `src/kernel/${name} is no mechanism of the kernel: put it in a module or in one of its mechanisms.`,
      ];
    return repository.files.has(`src/kernel/${name}/index.ts`)
      ? []
      : [`src/kernel/${name}/index.ts is missing: add its face.`];
  });
}

export function bannedNames(repository: Repository): string[] {
  return listMatching(repository, /^(?:src|bench|scripts)\/.*\.(?:ts|sql)$/).flatMap(({ path }) => {
    const part = path.split("/").find((segment) => BANNED.test(segment.replace(/(?:\.test)?\.\w+$/, "")));
    return part ? [`${path}: “${part}” names a shape; name it by a noun of its subject.`] : [];
  });
}

export function misnumberedMigrations(repository: Repository): string[] {
  const problems: string[] = [];
  const numbers = new Map<string, number>();
  for (const { path } of listMatching(repository, /^src\/.*\.sql$/)) {
    const [, folder = "", number = ""] =
      path.match(/^(src\/(?:kernel|modules)\/[^/]+\/migrations)\/(\d{4})_[a-z0-9_]+\.sql$/) ?? [];
    const expected = (numbers.get(folder) ?? 0) + 1;
    numbers.set(folder, expected);
    if (folder === "")
      problems.push(`${path}: a migration lies in <module>/migrations and is called 0001_subject.sql.`);
    else if (Number(number) !== expected)
      problems.push(`${path}: number it ${String(expected).padStart(4, "0")}, the next of its folder.`);
  }
  return problems;
}

export function filesTooLong(repository: Repository): string[] {
  return listMatching(repository, /^(?:src|bench|scripts)\/.*\.(?:ts|sql)$/)
    .filter((file) => file.lines.length - 1 > MAX_LINES)
    .map(
      (file) =>
        `${file.path} has ${file.lines.length - 1} lines, more than ${MAX_LINES}: make it a folder, one file a verb.`,
    );
}

export function emptyRooms(repository: Repository): string[] {
  return listMatching(repository, /^src\/.*\.(?:ts|sql|md)$/)
    .filter((file) => file.code.trim() === "")
    .map((file) => `${file.path} is empty: delete it until it has something to hold.`);
}

/** SQL that names a table made by another folder's migrations. */
export function borrowedTables(repository: Repository): string[] {
  const owners = new Map<string, string>();
  for (const { path, text } of listMatching(
    repository,
    /^src\/(?:kernel|modules)\/[^/]+\/migrations\/.*\.sql$/,
  )) {
    for (const [, table = ""] of text.matchAll(/CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\w+)/gi)) {
      owners.set(table, folderOf(path));
    }
  }
  return listMatching(repository, /^src\/(?:kernel|modules)\/.*\.ts$/)
    .filter((file) => !isTest(file.path))
    .flatMap((file) =>
      [...file.text.matchAll(/\b(?:FROM|JOIN|INTO|UPDATE|TABLE|COPY)\s+(\w+)/g)].flatMap((match) => {
        const table = match[1] ?? "";
        const owner = owners.get(table);
        if (!owner || owner === folderOf(file.path)) return [];
        const line = file.text.slice(0, match.index).split("\n").length;
        return [`${file.path}:${line} reads ${table}, a table of ${owner}: ask its face.`];
      }),
    );
}

export function starExports(repository: Repository): string[] {
  return listMatching(repository, /^(?:src|bench|scripts)\/.*\.ts$/).flatMap((file) =>
    findInCode(file, /^\s*export\s+(\*|default\b)/).map(
      ({ lineIndex, match }) => `${file.path}:${lineIndex + 1}: no “export ${match[1]}”; name each export.`,
    ),
  );
}

function folderOf(path: string): string {
  return path.split("/").slice(0, 3).join("/");
}
