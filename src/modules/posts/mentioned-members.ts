// Which members of a project an edit mentions who were not mentioned before.
import type { Sql } from "../../kernel/db/index.ts";
import type { Accounts } from "../accounts/index.ts";
import type { Projects } from "../projects/index.ts";
import { listHandles, resolveHandles } from "./mentions.ts";
import type { Post } from "./model.ts";

/** Ids of members newly mentioned in the post against the body before, without the actor himself. */
export type FindMentioned = (
  sql: Sql,
  post: Pick<Post, "projectId" | "body">,
  actorId: string,
  before: string,
) => Promise<readonly string[]>;

export interface MentionDeps {
  readonly projects: Pick<Projects, "listMemberIds">;
  readonly accounts: Pick<Accounts, "listNames">;
}

/** Asks for the members only when there are new names, which is seldom. */
export function createFindMentioned({ projects, accounts }: MentionDeps): FindMentioned {
  return async (sql, { projectId, body }, actorId, before) => {
    const handles = listHandles(body);
    if (handles.size === 0) return [];
    const known = listHandles(before);
    if ([...handles].every((handle) => known.has(handle))) return [];
    const members = await accounts.listNames(sql, await projects.listMemberIds(sql, projectId));
    const mentioned = resolveHandles(handles, members);
    const already = resolveHandles(known, members);
    return [...mentioned].filter((id) => id !== actorId && !already.has(id));
  };
}
