// Wiring of posts: mounts the routes, registers the erasing, keeps the renderer, has its part in erasing projects.
import { join } from "node:path";
import type { MigrationSet } from "../../kernel/db/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Accounts } from "../accounts/index.ts";
import type { Projects } from "../projects/index.ts";
import type { Texts } from "../texts/index.ts";
import { createCollectionActions } from "./actions/collections.ts";
import { createPostActions } from "./actions/posts.ts";
import { createVersionActions } from "./actions/versions.ts";
import { type CoeditedPosts, createCoeditedPosts, createCoediting } from "./coediting.ts";
import { exportParts } from "./export.ts";
import { collectionRoutes } from "./http/collections.ts";
import { postRoutes } from "./http/posts.ts";
import { versionRoutes } from "./http/versions.ts";
import { createEraseTask } from "./jobs.ts";
import { createFindMentioned } from "./mentioned-members.ts";
import { createRenderer } from "./rendering/index.ts";
import { deleteSome } from "./store/posts.ts";

export const postsMigrations: MigrationSet = {
  module: "posts",
  directory: join(import.meta.dirname, "migrations"),
};

export type PostsKernel = Pick<Kernel, "db" | "events" | "jobs" | "http" | "lifecycle">;

export interface PostsNeeds {
  readonly accounts: Accounts;
  readonly projects: Projects;
  readonly texts: Texts;
}

export interface Posts {
  readonly coedited: CoeditedPosts;
}

export function createPosts(kernel: PostsKernel, { accounts, projects, texts }: PostsNeeds): Posts {
  const { db, events, jobs, http, lifecycle } = kernel;
  const coediting = createCoediting();
  const eraseTask = createEraseTask(db, events, coediting);
  jobs.register(eraseTask);

  const renderer = createRenderer();
  lifecycle.add(renderer);

  const findMentioned = createFindMentioned({ projects, accounts });
  const posts = createPostActions({ events, jobs, projects, texts, findMentioned, eraseTask, coediting });
  const versions = createVersionActions(posts);
  const collections = createCollectionActions({ events, projects });
  http.mount([
    ...postRoutes({ db, actions: posts }),
    ...versionRoutes({ db, posts, versions, renderer }),
    ...collectionRoutes({ db, actions: collections }),
  ]);

  for (const part of exportParts) projects.onExport(part);
  projects.onErase({ module: "posts", erase: deleteSome });
  return { coedited: createCoeditedPosts(coediting, posts.sealVersion) };
}
