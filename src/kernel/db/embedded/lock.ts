// One process a data directory: flock(2) on a file in it, which the kernel releases however that process ends.
import { dlopen } from "bun:ffi";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { pause } from "../../clock/index.ts";
import { StartError } from "../../errors/index.ts";

export interface Lock {
  release(): void;
}

const LOCK_EXCLUSIVE = 2;
const LOCK_NOT_BLOCKING = 4;

/** A process that was killed holds on until the last of its threads has ended and its memory is given back. */
const DYING_MS = 3_000;
const RETRY_MS = 10;

/** Takes the lock or throws a StartError that names the process which has it. `what` begins the sentence. */
export async function takeLock(path: string, what: string): Promise<Lock> {
  // "a+" neither empties the file of a holder nor fails when there is none; bun opens with O_CLOEXEC, so that no child holds on.
  const file = openSync(path, "a+", 0o600);
  const deadline = Date.now() + DYING_MS;
  while (!tryLock(file)) {
    const holder = readFileSync(path, "utf8").trim();
    if (isEnding(holder) && Date.now() < deadline) {
      await pause(RETRY_MS);
      continue;
    }
    closeSync(file);
    throw new StartError(
      `${what} is in use by ${isPid(holder) ? `process ${holder}` : "another process"}: stop that one first, or set another DATA_DIR.`,
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

/** Whether the process that the lock's file names has ended, or all of it but its name. */
function isEnding(holder: string): boolean {
  if (!isPid(holder)) return true;
  try {
    if (process.platform !== "linux") return !process.kill(Number(holder), 0);
    const stat = readFileSync(`/proc/${holder}/stat`, "utf8");
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return true;
  }
}

function isPid(text: string): boolean {
  return /^\d+$/.test(text);
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
