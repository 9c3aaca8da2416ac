// How PostgreSQL is run: it refuses to be root, so root needs a user namespace or an id without privileges.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { StartError } from "../../errors/index.ts";
import type { Binaries } from "./binaries.ts";

export interface Launcher {
  readonly name: "direct" | "user namespace" | "setpriv" | "setpriv with dac_override";
  /** The id that must own the cluster and the socket's directory; undefined: whoever we are. */
  readonly owner: number | undefined;
  /** What goes before a program of PostgreSQL. */
  readonly prefix: readonly string[];
  /** The same for initdb, which wants its id to have a name in /etc/passwd; where the id is another, the owner's it becomes after. */
  readonly maker: { readonly id: number | undefined; readonly prefix: readonly string[] };
}

export interface LauncherChoice {
  readonly binaries: Binaries;
  /** Owner of the cluster's directory, or undefined when there is none yet. */
  readonly clusterOwner: number | undefined;
  /** A directory that PostgreSQL must be able to enter. */
  readonly directory: string;
}

/**
 * An id that no distribution gives to anyone (systemd's table of ids has it as unused), so that no other service shares our
 * database, as it might under 65534; a container may know only that one.
 */
const SPARE_IDS = [61_100, 65_534];

export function chooseLauncher(choice: LauncherChoice): Launcher {
  const uid = process.getuid?.();
  if (uid !== 0) return chooseDirect(choice, uid);
  for (const launcher of candidates(choice.clusterOwner)) {
    if (tryOut(launcher, choice) === undefined) return launcher;
  }
  throw new StartError(
    "PostgreSQL refuses to run as root, and this process may neither make a user namespace nor take another user id: run Stoa as an ordinary user that owns DATA_DIR, or set DATABASE_URL.",
  );
}

/** A program as `prefix` runs it. It ends with us even when we are killed, where there is setpriv. */
export function commandLine(prefix: readonly string[], command: readonly string[]): [string, string[]] {
  const setpriv = process.platform === "linux" ? Bun.which("setpriv") : null;
  const untilWeDie = setpriv ? [setpriv, "--pdeathsig", "INT"] : [];
  const [program = "", ...rest] = [...prefix, ...untilWeDie, ...command];
  return [program, rest];
}

/** Nothing of the user's environment (PGDATA, PGOPTIONS, locale) reaches PostgreSQL, nor a directory it may not enter. */
export const spawnOptions = { cwd: "/", env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } };

/** A user namespace of one id; undefined where the program is missing. Inside, we go by a name that initdb finds. */
export function namespacePrefix(): readonly string[] | undefined {
  const unshare = Bun.which("unshare");
  return unshare ? [unshare, "--user", `--map-user=${namedId()}`, `--map-group=${namedId()}`] : undefined;
}

function chooseDirect(choice: LauncherChoice, uid: number | undefined): Launcher {
  if (choice.clusterOwner !== undefined && choice.clusterOwner !== uid) {
    throw new StartError(
      `The database in ${choice.directory} belongs to user ${choice.clusterOwner} and this is user ${uid}: run Stoa as that user, or set another DATA_DIR.`,
    );
  }
  const maker = { id: undefined, prefix: [] };
  const launcher: Launcher = { name: "direct", prefix: [], owner: undefined, maker };
  const failure = tryOut(launcher, choice);
  if (failure !== undefined) throw new StartError(`The embedded PostgreSQL does not run here: ${failure}.`);
  return launcher;
}

function* candidates(clusterOwner: number | undefined): Generator<Launcher> {
  const namespace = namespacePrefix();
  // What is made in the namespace belongs to root outside, so it cannot serve another's cluster.
  if (namespace && !clusterOwner) {
    const maker = { id: undefined, prefix: namespace };
    yield { name: "user namespace", prefix: namespace, owner: undefined, maker };
  }
  const setpriv = Bun.which("setpriv");
  if (!setpriv) return;
  for (const owner of clusterOwner ? [clusterOwner] : SPARE_IDS) {
    for (const name of ["setpriv", "setpriv with dac_override"] as const) {
      const be = (id: number) => [
        ...[setpriv, `--reuid=${id}`, `--regid=${id}`, "--clear-groups"],
        ...(name === "setpriv" ? [] : PAST_CLOSED_DIRECTORIES),
      ];
      yield { name, prefix: be(owner), owner, maker: { id: namedId(), prefix: be(namedId()) } };
    }
  }
}

/** For paths that only root may enter. Without the securebit access(2), which initdb asks, would ignore the capability. */
const PAST_CLOSED_DIRECTORIES = [
  "--securebits",
  "+no_setuid_fixup",
  "--inh-caps=+dac_override",
  "--ambient-caps=+dac_override",
];

/** Enters the directory and asks postgres for its version (5 ms). Returns what went wrong. */
function tryOut({ prefix }: Launcher, { binaries, directory }: LauncherChoice): string | undefined {
  const script = 'cd "$1" && exec "$2" --version';
  const [program = "", ...rest] = [...prefix, "/bin/sh", "-c", script, "sh", directory, binaries.postgres];
  const result = spawnSync(program, rest, { ...spawnOptions, encoding: "utf8" });
  if (result.status === 0 && result.stdout.includes(`PostgreSQL) ${binaries.major}.`)) return undefined;
  return (result.stderr || result.error?.message || `exit code ${result.status}`).trim().replace(/\s+/g, " ");
}

/** An id without privileges that has a name on this machine: nobody's, or the first of another kind. */
function namedId(): number {
  const ids = readPasswd().flatMap((line) => Number(line.split(":")[2]) || []);
  return ids.includes(NOBODY) ? NOBODY : (ids[0] ?? NOBODY);
}

const NOBODY = 65_534;

function readPasswd(): string[] {
  try {
    return readFileSync("/etc/passwd", "utf8").split("\n");
  } catch {
    return [];
  }
}
