// Ids: UUIDv7 (RFC 9562 section 5.7), ordered by time, and unguessable tokens.
import { randomBytes } from "node:crypto";

/** A UUIDv7: 48 bits of Unix milliseconds, a 12-bit counter that keeps one process in order, 62 random bits. */
export function newId(nowMs: number = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // Starts low so that it has room to count within the millisecond.
    counter = randomBytes(2).readUInt16BE(0) & 0x7ff;
  } else if (++counter > 0xfff) {
    lastMs += 1;
    counter = 0;
  }
  const bytes = randomBytes(16);
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

// Against house style: the last millisecond and counter given out are the process's, since without them two ids of one
// millisecond could sort either way, whoever asked for them.
let lastMs = 0;
// Against house style: as above.
let counter = 0;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether the text is a UUID in the lower-case form that we give out. */
export function isId(text: string): boolean {
  return UUID.test(text);
}
