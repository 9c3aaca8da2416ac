// Where log lines go: gathered in memory and written together, so that a line costs a request no system call.
import { constants, fstatSync, openSync, writeSync } from "node:fs";

export interface LogOutput {
  /** Takes one finished line, its newline included. */
  write(line: string): void;
  /** Writes all that is gathered, waiting for a slow reader up to half a second. */
  flush(): void;
}

/** Long enough to gather many lines, short enough for someone who watches. */
const GATHER_MS = 50;
const GATHER_CHARS = 32 * 1024;
/** What may wait when nobody reads: beyond it lines are dropped, since logging must not stop the server. */
const MAX_WAITING_CHARS = 4 * 1024 * 1024;
const FLUSH_DEADLINE_MS = 500;

/** Writes to a file descriptor; what is gathered when the process ends is written then. */
export function createLogOutput(fd: number): LogOutput {
  const target = openWithoutBlocking(fd);
  let gathered = "";
  /** Begun and not yet taken by the reader. */
  let rest: Uint8Array = new Uint8Array();
  let dropped = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function send(): void {
    clearTimeout(timer);
    timer = undefined;
    if (rest.length === 0) {
      rest = Buffer.from(gathered);
      gathered = "";
    }
    rest = writeSome(target, rest);
    if (rest.length > 0) timer = setTimeout(send, GATHER_MS);
    else if (dropped > 0) tellDropped();
  }

  function tellDropped(): void {
    const fields = { level: 40, time: new Date().toISOString(), dropped };
    dropped = 0;
    output.write(`${JSON.stringify({ ...fields, msg: "log lines were dropped, since nobody read them" })}\n`);
  }

  const output: LogOutput = {
    write(line) {
      if (rest.length + gathered.length + line.length > MAX_WAITING_CHARS) {
        dropped++;
        return;
      }
      gathered += line;
      if (gathered.length >= GATHER_CHARS && rest.length === 0) send();
      else timer ??= setTimeout(send, GATHER_MS);
    },
    flush() {
      const deadlineMs = Date.now() + FLUSH_DEADLINE_MS;
      while ((rest.length > 0 || gathered !== "") && Date.now() < deadlineMs) {
        send();
        if (rest.length > 0) block(2);
      }
    },
  };
  process.once("exit", () => output.flush());
  return output;
}

/** Stops the whole thread: the event loop will not turn again. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** What was not taken. A reader that is gone for good (EPIPE) has taken everything. */
function writeSome(fd: number, bytes: Uint8Array): Uint8Array {
  try {
    return bytes.length === 0 ? bytes : bytes.subarray(writeSync(fd, bytes));
  } catch (error) {
    // node:fs throws ErrnoException only.
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? bytes : new Uint8Array();
  }
}

/**
 * A pipe whose reader has stopped would block the whole process. Opened anew it is a description of our own that can be
 * made non-blocking without changing it for other processes. A file is not opened anew: its position is shared.
 */
function openWithoutBlocking(fd: number): number {
  if (process.platform !== "linux") return fd;
  try {
    const stat = fstatSync(fd);
    const canBlock = stat.isFIFO() || stat.isCharacterDevice();
    return canBlock ? openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK) : fd;
  } catch {
    return fd;
  }
}
