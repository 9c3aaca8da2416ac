// The whole application, listening on a free port of loopback: for tests over real connections.
import { openTestServer, type TestServer, type TestServerOptions } from "./server.ts";

export interface ServedApplication extends TestServer {
  readonly port: number;
}

/** Runs no jobs unless told `works: true`. */
export async function openServed(options: TestServerOptions = {}): Promise<ServedApplication> {
  const server = await openTestServer({ works: false, ...options });
  await server.kernel.http.start();
  const port = Number(new URL(server.kernel.http.address() ?? "").port);
  return {
    ...server,
    port,
    async stop() {
      await server.kernel.http.stop();
      await server.stop();
    },
  };
}
