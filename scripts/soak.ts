// Ten minutes of mixed load on the real server, its connections cut now and then: nothing unexpected, and flat memory.
import { join } from "node:path";
import { openDatabase } from "../src/kernel/db/index.ts";
import { type RunningServer, removeServer, startServer } from "../src/testing/process.ts";
import { createClient, createNotes } from "./soak/client.ts";
import { judge, residentBytes, type Sample, toMib } from "./soak/memory.ts";
import { createPerson } from "./soak/person.ts";

const DEFAULT_MINUTES = 10;
const PERSONS = 10;
const SAMPLE_MS = 1_000;
const CUT_MS = 15_000;
const REPORT_MS = 30_000;
const COLLECT_GARBAGE = join(import.meta.dir, "soak/collect-garbage.ts");

const minutes = Number(process.argv[2] ?? DEFAULT_MINUTES);
if (!(minutes > 0)) throw new Error(`minutes, such as ${DEFAULT_MINUTES}, not ${process.argv[2]}`);
process.exitCode = (await soak(minutes * 60_000)) ? 0 : 1;

async function soak(durationMs: number): Promise<boolean> {
  const environment = { LOG_LEVEL: "error", BUN_OPTIONS: `--preload ${COLLECT_GARBAGE}` };
  const server = await startServer({ isEmpty: true, environment });
  try {
    return await run(server, durationMs);
  } finally {
    await removeServer(server);
  }
}

async function run(server: RunningServer, durationMs: number): Promise<boolean> {
  const notes = createNotes();
  const samples: Sample[] = [];
  const startedAt = Date.now();
  const isRunning = () => Date.now() - startedAt < durationMs;
  const client = createClient(server.address, notes);
  const persons = Array.from({ length: PERSONS }, (_, number) =>
    createPerson({ client, notes, number, isRunning }),
  );
  const timers = [
    setInterval(() => samples.push(sample(server, startedAt)), SAMPLE_MS),
    setInterval(() => void cutConnection(server), CUT_MS),
    setInterval(() => void client.call("metrics", "GET", "/metrics", 200), CUT_MS),
    setInterval(() => print(samples.at(-1), notes.calls), REPORT_MS),
  ];
  await Promise.all(persons.map((person) => person.run()));
  for (const timer of timers) clearInterval(timer);
  for (const person of persons) await person.check();
  server.kill("SIGTERM");
  const exit = await server.ended;

  const verdicts = judge(samples);
  console.table(verdicts);
  console.log(
    `calls: ${total(notes.calls)}, interrupted by cut connections: ${total(notes.interruptions)}, exit: ${exit}`,
  );
  for (const sentence of notes.surprises) console.log(`unexpected: ${sentence}`);
  if (server.stderr() !== "") console.log(server.stderr());
  return verdicts.every((each) => each.isFlat) && notes.surprises.length === 0 && exit === 0;
}

function sample(server: RunningServer, startedAt: number): Sample {
  const pids: [string, number][] = [
    ["web", server.pid],
    ...server.children("worker").map((pid): [string, number] => ["worker", pid]),
  ];
  const bytes = new Map(pids.map(([name, pid]) => [name, residentBytes(pid) ?? 0]));
  return { atMs: Date.now() - startedAt, bytes };
}

/** As a failing network or an administrator would. */
async function cutConnection(server: RunningServer): Promise<void> {
  const url = "postgres://stoa@localhost/postgres";
  const db = openDatabase({
    url,
    socketDir: join(server.dataDir, "run"),
    poolSize: 1,
    applicationName: "soak",
  });
  await db.sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name LIKE 'stoa %' ORDER BY random() LIMIT 1`.catch(() => {});
  await db.close();
}

function print(latest: Sample | undefined, calls: ReadonlyMap<string, number>): void {
  const memory = [...(latest?.bytes ?? [])].map(([name, bytes]) => `${name} ${toMib(bytes)} MiB`).join(", ");
  console.log(`${Math.round((latest?.atMs ?? 0) / 1000)} s: ${total(calls)} calls, ${memory}`);
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
