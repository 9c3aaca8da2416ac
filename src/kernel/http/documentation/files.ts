// Files that browsers load: read once, compressed once, asked for again only when they have changed.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Reply } from "../route.ts";

export interface StaticFile {
  readonly type: string;
  readonly load: () => Promise<Uint8Array>;
}

interface Prepared {
  readonly etag: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
  readonly brotli: Uint8Array<ArrayBuffer>;
}

/** Long enough for a visit; after an update of the server a browser asks again within the hour. */
const CACHE_CONTROL = "public, max-age=3600";
/** 11 would take seconds for a megabyte and save little. */
const BROTLI_QUALITY = 6;

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);

export function fileAt(path: string, type: string): StaticFile {
  return { type, load: () => readFile(path) };
}

/** Answers requests for one file. It is held in memory from the first of them on. */
export function serveFile(file: StaticFile): (request: Request) => Promise<Response | Reply> {
  let preparing: Promise<Prepared> | undefined;
  return async (request) => {
    preparing ??= prepare(file);
    const prepared = await preparing.catch((error) => {
      // Not remembered: the next request tries again.
      preparing = undefined;
      throw error;
    });
    const headers = { ETag: prepared.etag, "Cache-Control": CACHE_CONTROL };
    if (matches(request.headers.get("if-none-match"), prepared.etag)) return { status: 304, headers };
    const accepted = request.headers.get("accept-encoding") ?? "";
    const encoding = /\bbr\b/.test(accepted) ? "brotli" : /\bgzip\b/.test(accepted) ? "gzip" : "plain";
    const body = prepared[encoding];
    return new Response(body, {
      headers: {
        ...headers,
        "Content-Type": file.type,
        "Content-Length": String(body.length),
        ...(encoding === "plain" ? {} : { "Content-Encoding": encoding === "brotli" ? "br" : "gzip" }),
      },
    });
  };
}

async function prepare(file: StaticFile): Promise<Prepared> {
  const plain = new Uint8Array(await file.load());
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  const [zipped, brotli] = await Promise.all([gzipAsync(plain), brotliAsync(plain, { params })]);
  // Weak: the same for each encoding (RFC 9110 section 8.8.1).
  const etag = `W/"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
  return { etag, plain, gzip: new Uint8Array(zipped), brotli: new Uint8Array(brotli) };
}

function matches(header: string | null, etag: string): boolean {
  const items = header?.split(",").map((item) => item.trim()) ?? [];
  return items.includes(etag) || items.includes("*");
}
