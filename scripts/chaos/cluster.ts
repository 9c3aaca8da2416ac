// Two servers on a PostgreSQL of their own, in a directory that goes with them, and what a run needs to talk to them.
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChaosPostgres, makePostgres } from "./postgres.ts";
import { type ChaosServer, makeServer } from "./server.ts";

export interface Cluster {
  readonly postgres: ChaosPostgres;
  readonly servers: readonly ChaosServer[];
}

const SHOWN_LINES = 10;
const ANSWER_MS = 5_000;

/** @param use returns the problems it has found; then the last lines of the servers are shown if `showsLogs`. */
export async function onCluster(
  { root, showsLogs }: { readonly root: string; readonly showsLogs: boolean },
  use: (cluster: Cluster) => Promise<string[]>,
): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "stoa-chaos-"));
  const postgres = makePostgres(directory, freePort());
  const secretKey = randomBytes(32).toString("base64");
  const servers = [freePort(), freePort()].map((port) =>
    makeServer({ root, directory, databaseUrl: postgres.url, secretKey, port }),
  );
  try {
    await postgres.start();
    for (const server of servers) await server.start();
    const problems = await use({ postgres, servers });
    if (problems.length > 0 && showsLogs) await showLogs(directory, servers);
    return problems;
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
    await postgres.stop("SIGQUIT");
    await rm(directory, { recursive: true, force: true });
  }
}

async function showLogs(directory: string, servers: readonly ChaosServer[]): Promise<void> {
  for (const { port } of servers) {
    const text = await readFile(join(directory, `server-${port}.log`), "utf8");
    console.log(text.split("\n").slice(-SHOWN_LINES).join("\n"));
  }
}

/** Throws unless it is done. */
export async function post(
  port: number,
  path: string,
  body: object,
  token = "",
): Promise<Record<string, string>> {
  const headers = {
    "Content-Type": "application/json",
    ...(token ? { Authorization: `Bearer ${token}` } : {}),
  };
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  // Each of the calls that a run makes answers with an object.
  return (await answer.json()) as Record<string, string>;
}

export async function waitFor(
  what: string,
  withinMs: number,
  isTrue: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(100);
  }
}

export function showFaults(faults: Readonly<Record<string, number>>): string {
  return Object.entries(faults)
    .map(([name, count]) => `${name} ${count}×`)
    .join(", ");
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}
