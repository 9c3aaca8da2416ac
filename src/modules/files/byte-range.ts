// The headers that ask for a part of a file, or for nothing when it is known already (RFC 9110 sections 13 and 14).
import type { ByteRange } from "../../kernel/files/index.ts";

/** Undefined for the whole: also when several ranges are asked for, or something that is no range of bytes. */
export function parseRange(header: string | null, size: number): ByteRange | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = header?.trim().match(/^bytes *= *(\d*) *- *(\d*)$/i) ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const start = Math.max(0, size - Number(last));
    return start < size ? { start, end: size } : "unsatisfiable";
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) return "unsatisfiable";
  return { start, end: last === "" ? size : Math.min(size, Number(last) + 1) };
}

/** Whether a list of tags, or `*`, names this one; weak ones count, as for reading they may. */
export function hasTag(header: string | null, etag: string): boolean {
  return (header ?? "").split(",").some((each) => {
    const tag = each.trim();
    return tag === "*" || tag.replace(/^W\//, "") === etag;
  });
}
