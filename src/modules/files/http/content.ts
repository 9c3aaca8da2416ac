// The route of a file's bytes: whole, in part, or not again when the reader has them already.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import { type Files, fileErrors as no } from "../../../kernel/files/index.ts";
import { type Route, route } from "../../../kernel/http/index.ts";
import type { FileActions } from "../actions.ts";
import { hasTag, parseRange } from "../byte-range.ts";
import { fileParams, PATH } from "./parameters.ts";

export interface ContentRouteDeps {
  readonly db: Database;
  readonly files: Pick<Files, "blob" | "open">;
  readonly actions: Pick<FileActions, "getFile">;
}

const bytes = z.string().meta({ description: "The bytes, as they were stored." });
const HEADERS = {
  "Content-Disposition": "Always an attachment, under the file's name.",
  "Accept-Ranges": "bytes",
  ETag: "The SHA-256 of the whole, in quotes.",
};

export function contentRoutes({ db, files, actions }: ContentRouteDeps): Route[] {
  return [
    route(
      {
        tag: "files",
        access: "user or key",
        permission: "files.read",
        method: "GET",
        path: `${PATH}/{id}/content`,
        operationId: "downloadFile",
        summary: "Download a file",
        params: fileParams,
        requestHeaders: {
          Range: "One range of bytes: bytes=0-999, bytes=1000- or bytes=-500 (RFC 9110 section 14).",
          "If-Range": "An ETag: the range is meant only while the file has it.",
          "If-None-Match": "ETags: 304 while the file has one of them.",
        },
        responses: {
          200: {
            description: "The bytes.",
            schema: bytes,
            type: "application/octet-stream",
            headers: HEADERS,
          },
          206: {
            description: "The bytes of the range.",
            schema: bytes,
            type: "application/octet-stream",
            headers: { ...HEADERS, "Content-Range": "Which of how many bytes these are." },
          },
          304: { description: "The reader has them already." },
        },
        errors: [no.FILE_NOT_FOUND, no.RANGE_NOT_SATISFIABLE, no.FILE_UNAVAILABLE],
      },
      async ({ actor, params: { id }, request, keepOpen }) => {
        const file = await actions.getFile(db.sql, id, actor);
        const etag = `"${file.sha256}"`;
        const headers = {
          ETag: etag,
          "Accept-Ranges": "bytes",
          "Content-Disposition": disposition(file.name),
        };
        if (hasTag(request.headers.get("if-none-match"), etag))
          return new Response(null, { status: 304, headers });
        const ifRange = request.headers.get("if-range");
        const isMeant = ifRange === null || ifRange.trim() === etag;
        const range = isMeant ? parseRange(request.headers.get("range"), file.size) : undefined;
        if (range === "unsatisfiable")
          throw no.RANGE_NOT_SATISFIABLE({ headers: { "Content-Range": `bytes */${file.size}` } });
        // The server would answer a range that it sees to a blob, also where it is not meant.
        const isUnmeant = !range && request.headers.has("range");
        const body = isUnmeant ? await files.open(id) : await files.blob(id, range);
        keepOpen();
        const length = range ? range.end - range.start : file.size;
        return new Response(body, {
          status: range ? 206 : 200,
          headers: {
            ...headers,
            "Content-Type": file.contentType,
            "Content-Length": String(length),
            ...(range ? { "Content-Range": `bytes ${range.start}-${range.end - 1}/${file.size}` } : {}),
          },
        });
      },
    ),
  ];
}

/** RFC 6266 with the extended form of RFC 8187; old readers get the letters of ASCII. */
function disposition(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const extended = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${extended}`;
}
