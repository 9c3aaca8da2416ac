// ETag, If-Match and If-None-Match (RFC 9110 sections 8.8.3 and 13.1) over the version of a post.
import { kernelErrors } from "../../kernel/errors/index.ts";
import { postErrors } from "./errors.ts";
import type { Post } from "./model.ts";

/** Versions that a header names; `any` for `*`. */
export type VersionMatch = "any" | readonly string[];

/** While people write a version together each saving of it has its own. */
export function etagOf({ version, draft }: Pick<Post, "version" | "draft">): string {
  return draft === null ? `"${version}"` : `"${version}.${draft}"`;
}

/** What routes say of these headers in the API description. */
export const versionHeaders = {
  ifMatch: { "If-Match": "The ETag that the post must still have; 412 when it was changed since." },
  ifNoneMatch: { "If-None-Match": "An ETag that you have; 304 when the post still has it." },
  etag: { ETag: "The post's version in quotes." },
} as const;

/** What If-Match or If-None-Match says; undefined when it is not there. */
export function readVersionMatch(
  request: Request,
  name: "If-Match" | "If-None-Match",
): VersionMatch | undefined {
  const text = request.headers.get(name)?.trim();
  if (text === undefined) return undefined;
  if (text === "*") return "any";
  const tags = text.split(",").map((tag) => tag.trim());
  // W/ is taken off: proxies that compress put it before our tags, and a version is the same however it is sent.
  if (tags.every((tag) => /^(?:W\/)?"[\x21\x23-\x7e]*"$/.test(tag)))
    return tags.map((tag) => tag.replace(/^W\//, ""));
  throw kernelErrors.INVALID_INPUT({
    fields: [{ path: name, message: `Must be an ETag in quotes, such as "3", or *.` }],
  });
}

export function matches(post: Post, match: VersionMatch): boolean {
  return match === "any" || match.includes(etagOf(post));
}

/** Throws POST_CHANGED, which says which version there is now, who saved it and when. */
export function requireMatch(post: Post, match: VersionMatch | undefined): void {
  if (match === undefined || matches(post, match)) return;
  const { version, updatedBy } = post;
  const savedAt = post.updatedAt.toISOString();
  throw postErrors.POST_CHANGED({
    detail: `The post is at version ${version} by now, saved by ${updatedBy} at ${savedAt}. Read it again, then change it.`,
    headers: { ETag: etagOf(post) },
    members: { current: { version, updated_by: updatedBy, updated_at: savedAt } },
  });
}
