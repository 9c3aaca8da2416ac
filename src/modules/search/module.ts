// Wiring of search: an engine, and the routes that ask it.
import type { Kernel } from "../../kernel/index.ts";
import type { Projects } from "../projects/index.ts";
import type { Texts } from "../texts/index.ts";
import { createSearchActions } from "./actions.ts";
import { searchRoutes } from "./http.ts";
import { createPostgresEngine } from "./postgres/engine.ts";

export type SearchKernel = Pick<Kernel, "clock" | "db" | "http">;

export function createSearch(kernel: SearchKernel, projects: Projects, texts: Pick<Texts, "source">): void {
  const { clock, db, http } = kernel;
  const { source } = texts;
  const engine = createPostgresEngine({ source, clock });
  http.mount(searchRoutes({ db, actions: createSearchActions({ projects, engine, source }) }));
}
