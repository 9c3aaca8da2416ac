// The whole application in this process, on a scratch database: what the server answers, without a port.
import { createApp } from "../app.ts";
import { kernelMigrations } from "../kernel/create-kernel.ts";
import { migrate } from "../kernel/db/index.ts";
import type { Route } from "../kernel/http/index.ts";
import { openTestDatabase, type TestDatabase } from "./database.ts";
import { createTestKernel, type TestKernel, type TestKernelOptions } from "./kernel.ts";
import type { Answering } from "./requests.ts";

export interface TestServerOptions extends TestKernelOptions {
  /** A database that another test server has migrated: a second process. Default a new one. */
  readonly db?: TestDatabase;
}

export interface TestServer extends Answering {
  readonly kernel: TestKernel;
  readonly db: TestDatabase;
  /** All that the modules have mounted. */
  readonly routes: readonly Route[];
  /** Stops it and closes its connections. */
  stop(): Promise<void>;
}

/** Runs jobs unless told `works: false`. */
export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const db = options.db ?? (await openTestDatabase());
  const kernel = createTestKernel(db, { works: true, ...options });
  const routes: Route[] = [];
  const mount = (added: readonly Route[]) => {
    routes.push(...added);
    kernel.http.mount(added);
  };
  const app = createApp({ ...kernel, http: { ...kernel.http, mount } });
  await migrate(db, [...kernelMigrations, ...app.migrations]);
  await kernel.start();
  return {
    kernel,
    db,
    routes,
    fetch: kernel.http.fetch,
    async stop() {
      await kernel.stop();
      await db.close();
    },
  };
}
