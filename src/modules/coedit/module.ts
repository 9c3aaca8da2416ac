// Wiring of co-editing: the route, the documents, what follows them. All that is heavy is loaded with the first document.
import { join } from "node:path";
import type { MigrationSet } from "../../kernel/db/index.ts";
import { newId } from "../../kernel/ids/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Live } from "../live/index.ts";
import type { Posts } from "../posts/index.ts";
import { isAllowed, type Projects } from "../projects/index.ts";
import type { ConnectionRequest } from "./connection.ts";
import type { Documents, Rhythm } from "./documents.ts";
import { createFollowing } from "./following.ts";
import { coeditRoutes } from "./http.ts";
import { changePart, deleteDocument, eraseSome } from "./store/documents.ts";
import { findSession } from "./store/sessions.ts";
import { createDocumentThread } from "./thread/index.ts";

export type CoeditKernel = Pick<
  Kernel,
  "log" | "metrics" | "db" | "events" | "bus" | "jobs" | "http" | "lifecycle"
>;

export interface CoeditNeeds {
  readonly projects: Projects;
  readonly posts: Posts;
  readonly live: Live;
}

export interface CoeditOptions {
  /** A pause of so long ends an editing session. Default a minute. */
  readonly pauseMs?: number;
  readonly rhythm?: Rhythm;
}

export const coeditMigrations: MigrationSet = {
  module: "coedit",
  directory: join(import.meta.dirname, "migrations"),
};

const PAUSE_MS = 60_000;

export function createCoedit(kernel: CoeditKernel, needs: CoeditNeeds, options: CoeditOptions = {}): void {
  const { log, metrics, db, events, bus, jobs, http, lifecycle } = kernel;
  const { projects, live } = needs;
  const posts = needs.posts.coedited;
  const processId = newId();
  const threads = { small: createDocumentThread(), large: createDocumentThread() };
  const following = createFollowing({
    db,
    jobs,
    posts,
    thread: threads.large,
    pauseMs: options.pauseMs ?? PAUSE_MS,
  });
  jobs.register(following.task);

  let documents: Promise<Documents> | undefined;
  let openNow: Documents | undefined;
  /** Made by the first who wants one. */
  function getDocuments(): Promise<Documents> {
    documents ??= import("./documents.ts").then(({ createDocuments, RHYTHM }) => {
      const deps = { db, bus, events, projects, posts, threads, following, log, processId };
      openNow = createDocuments({ ...deps, rhythm: options.rhythm ?? RHYTHM });
      return openNow;
    });
    return documents;
  }

  metrics.gauge("stoa_coedit_documents", "Documents that are open on this process.", [], () => [
    [{}, openNow?.count() ?? 0],
  ]);

  async function findProject(postId: string, userId: string): Promise<string | undefined> {
    const found = await posts.findTarget(db.sql, postId, userId);
    return found?.access && isAllowed(found.access, "posts.read") ? found.projectId : undefined;
  }

  async function connect(request: ConnectionRequest) {
    const { CoeditConnection } = await import("./connection.ts");
    const deps = { documents: await getDocuments(), entrance: live.entrance, log, processId, findProject };
    return new CoeditConnection(request, deps);
  }

  async function open(postId: string, projectId: string) {
    return (await (await getDocuments()).open(postId, projectId)).document;
  }

  http.mount(coeditRoutes({ entrance: live.entrance, connect }));
  posts.useDocuments({
    async catchUp({ id, projectId }) {
      const session = await findSession(db.sql, id);
      if (session?.isBehind) await (await open(id, projectId)).follow();
    },
    async propose(post, body) {
      const document = await open(post.id, post.projectId);
      const proposed = await document.propose(body, post.body);
      return {
        body: proposed.text,
        part: (sql) => changePart(sql, proposed),
        stored: () => document.hearProposed(),
      };
    },
    erased: deleteDocument,
  });
  projects.onErase({ module: "coedit", erase: eraseSome });
  lifecycle.add({
    name: "co-editing",
    async start() {},
    async stop() {
      await openNow?.stop();
      await Promise.all([threads.small.stop(), threads.large.stop()]);
    },
  });
}
