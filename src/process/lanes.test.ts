import { afterAll, afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { openDatabase } from "../kernel/db/index.ts";
import {
  type RunningServer,
  removeServer,
  removeTemplate,
  runProgram,
  type ServerOptions,
  startServer,
} from "../testing/process.ts";
import { signUp } from "../testing/requests.ts";
import { until } from "../testing/until.ts";

setDefaultTimeout(60_000);

const servers: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(removeServer));
});
afterAll(removeTemplate);

async function start(options: ServerOptions): Promise<RunningServer> {
  const server = await startServer(options);
  servers.push(server);
  return server;
}

test("[PROC-9] a worker of the urgent lane leaves the others alone", async () => {
  const web = await start({ words: ["--role", "web"] });
  const answering = {
    fetch: (request: Request) => fetch(request.url.replace("http://stoa.test", web.address), request),
  };
  const ada = await signUp(answering);
  const normal = await ada.call("POST", "/paragraphs", { paragraphs: ["A whale."] });
  const urgent = await ada.call("POST", "/jobs", { task: "text.reanalyse", priority: "urgent" });
  web.kill("SIGTERM");
  expect(await web.ended).toBe(0);

  const worker = await start({ words: ["--role", "worker", "--lanes", "urgent"], dataDir: web.dataDir });
  const socketDir = join(web.dataDir, "run");
  const url = "postgres://stoa@localhost/postgres";
  const db = openDatabase({ url, socketDir, poolSize: 1, applicationName: "test" });
  await until("the urgent one", async () => {
    const rows = await db.sql`SELECT 1 FROM finished_jobs WHERE id = ${String(urgent.body.id)}`;
    return rows.length > 0;
  });
  const left = await db.sql`SELECT 1 FROM jobs WHERE id = ${String(normal.body.job_id)} AND attempt = 0`;
  expect(left).toHaveLength(1);
  await db.close();
  worker.kill("SIGTERM");
  expect(await worker.ended).toBe(0);
});

test("[PROC-9] a worker alone answers probes and shows its metrics on a port of its own, and nothing else", async () => {
  const free = await listen(0);
  const { port } = free.address() as AddressInfo;
  await close(free);
  const words = ["--role", "worker"];
  const environment = { WORKER_PORT: String(port) };
  const worker = await start({ words, environment });
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return [answer.status, await answer.text()];
  };
  expect((await get("/health"))[0]).toBe(200);
  expect((await get("/ready"))[0]).toBe(200);
  expect((await get("/metrics"))[1]).toContain("stoa_job_slots");
  expect(await get("/api/v1/jobs")).toEqual([404, ""]);
  worker.kill("SIGTERM");
  expect(await worker.ended).toBe(0);

  const stranger = await listen(port);
  const second = runProgram(["start", ...words], {
    environment: { ...environment, DATA_DIR: worker.dataDir },
  });
  expect(await second.ended).toBe(1);
  expect(second.stderr()).toBe(
    `Port ${port} is in use by another program: stop that one, or set WORKER_PORT.\n`,
  );
  await close(stranger);
});

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
