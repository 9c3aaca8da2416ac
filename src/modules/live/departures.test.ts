import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { join, type Listener, type LiveServer, listen, openLiveServer } from "./testing/listener.ts";

const CONNECTIONS = 120;
let server: LiveServer;
let ada: Person;
beforeAll(async () => {
  server = await openLiveServer({ environment: { LIVE_CONNECTIONS_PER_USER: String(CONNECTIONS) } });
  ada = await signUp(server);
});
afterAll(() => server.stop());

async function gauge(name: string): Promise<number> {
  const all = JSON.stringify(await server.kernel.metrics.snapshot());
  return Number(new RegExp(`"${name}".*?"value":(\\d+)`).exec(all)?.[1]);
}

const WAYS = ["closes", "is cut", "is cut while it subscribes", "is shown out"] as const;

function leave({ socket }: Listener, way: (typeof WAYS)[number] | undefined): void {
  if (way === "closes") socket.close(1000);
  else if (way === "is shown out") {
    for (let index = 0; index < 300; index++) socket.send('{"type":"ping"}');
  } else {
    if (way === "is cut while it subscribes") socket.send('{"type":"subscribe","stream":"me"}');
    // Bun's own WebSocket can be cut.
    (socket as WebSocket & { terminate(): void }).terminate();
  }
}

test("[LIVE-30] leaks after mass disconnects (ws 1617): closed, cut or shown out, nothing is left", async () => {
  const projects = [await createProject(ada), await createProject(ada), await createProject(ada)];
  for (let round = 0; round < 2; round++) {
    const all = await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, index) =>
        join(server.port, ada.token, projects[index % projects.length] ?? ""),
      ),
    );
    expect(await gauge("stoa_live_connections")).toBe(CONNECTIONS);
    expect(await gauge("stoa_live_feeds")).toBe(projects.length);
    for (const [index, listener] of all.entries()) leave(listener, WAYS[index % WAYS.length]);
    await until("no connection", async () => (await gauge("stoa_live_connections")) === 0);
    await until("no feed", async () => (await gauge("stoa_live_feeds")) === 0);
    await until("nobody online", async () => (await server.db.sql`SELECT FROM live_presence`).length === 0);
  }
  const again = listen(server.port);
  await again.hello(ada.token);
  expect((await again.subscribe(projects[0] ?? "")).online).toEqual([]);
  again.close();
}, 60_000);
