// Where PostgreSQL's socket lies: in the data directory, or in a temporary one where that path is too long for a socket.
import { chmod, chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** sockaddr_un holds 108 bytes on Linux and 104 elsewhere, with the closing zero. */
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;
const SOCKET_NAME = ".s.PGSQL.5432";

/** Makes the directory for us, or for the id that PostgreSQL runs as. Nobody else may enter it. */
export async function makeSocketDirectory(dataDir: string, owner: number | undefined): Promise<string> {
  const inside = join(dataDir, "run");
  const path = fits(inside) ? inside : await makeTemporary();
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
  if (owner !== undefined) await chown(path, owner, owner);
  return path;
}

/** Removes the directory if it is a temporary one of ours. */
export async function removeTemporarySocketDir(path: string): Promise<void> {
  if (!/^stoa-run-[A-Za-z0-9]{6}$/.test(basename(path))) return;
  await rm(path, { recursive: true, force: true });
}

function makeTemporary(): Promise<string> {
  const under = (parent: string) => join(parent, "stoa-run-");
  return mkdtemp(under(fits(`${under(tmpdir())}XXXXXX`) ? tmpdir() : "/tmp"));
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, SOCKET_NAME)) <= MAX_PATH_BYTES;
}
