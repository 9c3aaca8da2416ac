// The data directory: ours alone, and writable, or one sentence that says what to do.
import { chown, lstat, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "../../errors/index.ts";

/**
 * Makes the directory unless it is there. What lies in it is for us alone; root lets others pass through, though not look
 * around, because PostgreSQL may have to run under another id.
 */
export async function makeDataDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  } catch (error) {
    throw unusable(path, error);
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  EACCES: "is not writable for this user",
  EPERM: "is not writable for this user",
  EROFS: "is on a file system that is read-only",
  ENOSPC: "is on a file system that is full",
  EEXIST: "is not a directory",
  ENOTDIR: "is not a directory",
  ENOENT: "cannot be made",
  ENAMETOOLONG: "cannot be made",
};

/** The sentence for a failed write below the data directory; what is no such failure comes back as it is. */
export function unusable(path: string, error: unknown): unknown {
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? "") : "";
  const sentence = SENTENCES[code];
  if (sentence === undefined) return error;
  return new StartError(
    `The data directory ${path} ${sentence}: change that, or set another DATA_DIR.`,
    error,
  );
}

/** Owner of a path, or undefined when there is none. */
export async function findOwner(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.uid;
}

/** Gives a directory and all in it to an id. Links are given, not followed. */
export async function giveTo(id: number, path: string): Promise<void> {
  await chown(path, id, id);
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) await giveTo(id, inner);
    else if (!(await lstat(inner)).isSymbolicLink()) await chown(inner, id, id);
  }
}
