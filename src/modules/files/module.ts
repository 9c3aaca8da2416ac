// Wiring of files: mounts the routes, has its part in erasing projects.
import type { Kernel } from "../../kernel/index.ts";
import type { Projects } from "../projects/index.ts";
import { createFileActions } from "./actions.ts";
import { contentRoutes } from "./http/content.ts";
import { fileRoutes } from "./http/files.ts";

export type FilesKernel = Pick<Kernel, "db" | "events" | "files" | "http">;

export function createFileRoutes({ db, events, files, http }: FilesKernel, projects: Projects): void {
  const actions = createFileActions({ events, files, projects });
  http.mount([...fileRoutes({ db, files, actions }), ...contentRoutes({ db, files, actions })]);
  projects.onErase({ module: "files", erase: files.erase });
}
