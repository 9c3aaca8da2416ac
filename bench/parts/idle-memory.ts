// Memory while idle: every process of a fresh server and its PostgreSQL, as proportional set size.
import { openApi } from "../api.ts";
import { findPostgres, openBareDatabase } from "../bare/database.ts";
import { startBareServer } from "../bare/process.ts";
import { type Options, say } from "../bench.ts";
import { listDescendants, measureMemory, type ProcessMemory } from "../memory.ts";
import { megabytes } from "../statistics.ts";
import { startStoa } from "../stoa.ts";
import type { Row } from "../table.ts";
import { readNovels } from "../text/novels.ts";

const TARGET_BYTES = 200e6;
const IDLE_MS = 10_000;

export async function idleMemory({ texts }: Options): Promise<Row> {
  say("memory of a fresh server while idle");
  await using stoa = await startStoa();
  const api = await openApi(stoa.port);
  await Bun.sleep(IDLE_MS);
  const fresh = await measureServer(stoa.pid, stoa.dataDir);

  say("memory after an import");
  const projectId = await api.createProject("bench memory");
  for (const novel of await readNovels(texts)) {
    await api.awaitJob((await api.importText(projectId, novel.text)).jobId);
  }
  await Bun.sleep(IDLE_MS);
  const used = await measureServer(stoa.pid, stoa.dataDir);

  const bare = await openBareDatabase(stoa.dataDir);
  await using server = await startBareServer(bare, 2);
  const [barest] = measureMemory([server.pid]);
  await bare.sql.close();

  const total = sum(fresh);
  return {
    what: "memory idle, all processes (PSS)",
    ours: megabytes(total),
    bare: barest ? `${megabytes(barest.bytes)} (one process)` : "",
    target: `< ${megabytes(TARGET_BYTES)}`,
    isMet: total < TARGET_BYTES && fresh.length > 0,
    notes: [
      `${IDLE_MS / 1000} s after start and sign-up: ${describe(fresh)}`,
      `${IDLE_MS / 1000} s after an import of two novels: ${megabytes(sum(used))}: ${describe(used)}`,
      `ready ${Math.round(stoa.readyAfterMs)} ms after the start on an empty data directory`,
    ],
  };
}

/** The server's processes and, where they have left its family, those of its PostgreSQL. */
async function measureServer(pid: number, dataDir: string): Promise<ProcessMemory[]> {
  const { postmasterPid } = await findPostgres(dataDir);
  return measureMemory([...new Set([...listDescendants(pid), ...listDescendants(postmasterPid)])]);
}

function describe(processes: readonly ProcessMemory[]): string {
  const groups = new Map<string, { count: number; bytes: number }>();
  for (const { name, bytes } of processes) {
    const label = name.includes("postgres") ? "PostgreSQL" : (name.match(/src\/.*$/)?.[0] ?? name);
    const group = groups.get(label) ?? { count: 0, bytes: 0 };
    groups.set(label, { count: group.count + 1, bytes: group.bytes + bytes });
  }
  return [...groups]
    .map(([label, { count, bytes }]) => `${label} ${megabytes(bytes)}${count > 1 ? ` (${count})` : ""}`)
    .join(", ");
}

function sum(processes: readonly ProcessMemory[]): number {
  return processes.reduce((total, each) => total + each.bytes, 0);
}
