// Compression of answers that are long enough, by what the client accepts: zstd before gzip.
import { promisify } from "node:util";
import { gzip, gzipSync, zstdCompress, zstdCompressSync } from "node:zlib";

/** Below it a packet carries the answer either way (RFC 9110 leaves it to us). */
export const MIN_COMPRESSED_BYTES = 1024;
/** Above it the work goes to another thread: the event loop must not stand still. */
const MAX_SYNC_BYTES = 64 * 1024;

const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);

type Encoding = "zstd" | "gzip";

/** Reads Accept-Encoding (RFC 9110 section 12.5.3); undefined sends the answer as it is. */
export function pickEncoding(header: string | null): Encoding | undefined {
  if (header === null || header === "") return undefined;
  const qualities = new Map<string, number>();
  for (const item of header.toLowerCase().split(",", 20)) {
    const [name = "", ...parameters] = item.split(";");
    const quality = parameters
      .map((parameter) => /^\s*q\s*=\s*([\d.]+)\s*$/.exec(parameter)?.[1])
      .find(Boolean);
    qualities.set(name.trim(), quality === undefined ? 1 : Number(quality));
  }
  const quality = (name: string) => qualities.get(name) ?? qualities.get("*") ?? 0;
  const [zstd, gzipped] = [quality("zstd"), quality("gzip")];
  if (zstd > 0 && zstd >= gzipped) return "zstd";
  return gzipped > 0 ? "gzip" : undefined;
}

export async function compress(bytes: Buffer, encoding: Encoding): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length <= MAX_SYNC_BYTES) return encoding === "zstd" ? zstdCompressSync(bytes) : gzipSync(bytes);
  return encoding === "zstd" ? zstdAsync(bytes) : gzipAsync(bytes);
}
