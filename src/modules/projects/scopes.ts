// What an API key can be made for: the one table from scopes to the permissions of the policy.
import type { Permission } from "./policy.ts";

const READ_PROJECT = ["project.read", "events.read"] as const;
const READ_JOBS = ["jobs.read"] as const;
const READ_PARAGRAPHS = ["paragraphs.read"] as const;
const WRITE_PARAGRAPHS = [...READ_PARAGRAPHS, "paragraphs.write", "paragraphs.delete"] as const;
const READ_POSTS = ["posts.read", "collections.read"] as const;
const WRITE_POSTS = [...READ_POSTS, "posts.write", "posts.delete", "collections.write"] as const;
const READ_FILES = ["files.read"] as const;
const WRITE_FILES = [...READ_FILES, "files.write", "files.delete"] as const;
const READ = [...READ_PROJECT, ...READ_JOBS, ...READ_PARAGRAPHS, ...READ_POSTS, ...READ_FILES] as const;

/** Who writes can read what he wrote. No scope manages a project, its members or its keys. */
export const SCOPES = {
  read: READ,
  write: [...READ, ...WRITE_PARAGRAPHS, ...WRITE_POSTS, ...WRITE_FILES],
  "projects:read": READ_PROJECT,
  "jobs:read": READ_JOBS,
  "paragraphs:read": READ_PARAGRAPHS,
  "paragraphs:write": WRITE_PARAGRAPHS,
  "posts:read": READ_POSTS,
  "posts:write": WRITE_POSTS,
  "files:read": READ_FILES,
  "files:write": WRITE_FILES,
} as const satisfies Record<string, readonly Permission[]>;

export type Scope = keyof typeof SCOPES;

// The keys are the table's own.
export const scopeNames = Object.keys(SCOPES) as [Scope, ...Scope[]];

/** What the scopes allow together; one that this version does not know allows nothing. */
export function permissionsOf(scopes: readonly string[]): ReadonlySet<string> {
  return new Set(scopes.flatMap((scope) => (isScope(scope) ? SCOPES[scope] : [])));
}

function isScope(text: string): text is Scope {
  return Object.hasOwn(SCOPES, text);
}
