// One process a data directory: flock(2) on a file in it, which the kernel releases however that process ends.
import { dlopen } from "bun:ffi";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { StartError } from "../../errors/index.ts";

export interface Lock {
  release(): void;
}

const LOCK_EXCLUSIVE = 2;
const LOCK_NOT_BLOCKING = 4;

/** Takes the lock or throws a StartError that names the process which has it. `what` begins the sentence. */
export function takeLock(path: string, what: string): Lock {
  // "a+" neither empties the file of a holder nor fails when there is none; bun opens with O_CLOEXEC, so that no child holds on.
  const file = openSync(path, "a+", 0o600);
  if (!tryLock(file)) {
    closeSync(file);
    const holder = readFileSync(path, "utf8").trim();
    throw new StartError(
      `${what} is in use by ${/^\d+$/.test(holder) ? `process ${holder}` : "another process"}: stop that one first, or set another DATA_DIR.`,
    );
  }
  ftruncateSync(file, 0);
  writeSync(file, `${process.pid}\n`);
  let isHeld = true;
  return {
    release() {
      if (isHeld) closeSync(file);
      isHeld = false;
    },
  };
}

function tryLock(file: number): boolean {
  const library = openLibrary();
  try {
    return library.symbols.flock(file, LOCK_EXCLUSIVE | LOCK_NOT_BLOCKING) === 0;
  } finally {
    library.close();
  }
}

function openLibrary() {
  const name = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
  try {
    return dlopen(name, { flock: { args: ["i32", "i32"], returns: "i32" } });
  } catch (cause) {
    throw new StartError(
      `The embedded PostgreSQL needs ${name}, which this system lacks: set DATABASE_URL to a PostgreSQL of your own.`,
      cause,
    );
  }
}
