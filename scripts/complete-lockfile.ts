// `npm run lock [-- DIRECTORY]`: adds the packages of other platforms that npm left out of the lockfile, as it does behind a registry
// that has only some of them; `npm ci` refuses such a lockfile (npm/cli#9342). Without integrity, since we cannot see them.
import { join } from "node:path";

interface Entry {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly engines?: unknown;
}

const PATH = join(import.meta.dir, "..", process.argv[2] ?? "", "package-lock.json");
const SYSTEMS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const PROCESSORS = ["arm64", "arm", "ia32", "ppc64", "riscv64", "s390x", "x64"];

const lock = await Bun.file(PATH).json();
const added = addMissing(lock.packages);
await Bun.write(PATH, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? "nothing was missing" : `added ${added.join(", ")}`);

function addMissing(packages: Record<string, Entry>): string[] {
  const missing = Object.entries(packages).flatMap(([path, entry]) =>
    Object.entries(path === "" ? {} : (entry.optionalDependencies ?? {}))
      .map(([name, version]) => ({ path: `node_modules/${name}`, name, version, parent: entry }))
      .filter((each) => !packages[each.path] && platformOf(each.name)),
  );
  for (const { path, name, version, parent } of missing) {
    const { license, dev, engines } = parent;
    packages[path] = Object.assign(
      { version, ...platformOf(name) },
      dev ? { dev } : {},
      license ? { license } : {},
      { optional: true },
      engines ? { engines } : {},
    );
  }
  sortInPlace(packages);
  return missing.map(({ name }) => name);
}

/** From names such as @biomejs/cli-darwin-arm64 and @oxc-parser/binding-linux-arm-musleabihf. */
function platformOf(name: string): { cpu: string[]; os: string[]; libc?: string[] } | undefined {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  if (!os || !cpu) return undefined;
  const last = words.at(-1) ?? "";
  if (os !== "linux") return { cpu: [cpu], os: [os] };
  return { cpu: [cpu], libc: [last.startsWith("musl") ? "musl" : "glibc"], os: [os] };
}

/** npm keeps the packages in this order. */
function sortInPlace(packages: Record<string, Entry>): void {
  const entries = Object.entries(packages).sort(([one], [other]) => one.localeCompare(other, "en"));
  for (const [path] of entries) delete packages[path];
  Object.assign(packages, Object.fromEntries(entries));
}
