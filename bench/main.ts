// `npm run bench [-- part …]`: prints the table of README.md beside it, ours beside a bare loop measured in the same run.
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Options, type Part, runParts, say } from "./bench.ts";
import { logIns, logInTiming } from "./parts/auth.ts";
import { coeditHistory, coeditMany, coeditOne } from "./parts/coedit.ts";
import { dictionary } from "./parts/dictionary.ts";
import { getParagraph } from "./parts/get-paragraph.ts";
import { idleMemory } from "./parts/idle-memory.ts";
import { importNovels } from "./parts/import-novels.ts";
import { jobsDrain } from "./parts/jobs-drain.ts";
import { jobsEnqueue } from "./parts/jobs-enqueue.ts";
import { jobsMillion } from "./parts/jobs-million.ts";
import { jobsStatus } from "./parts/jobs-status.ts";
import { jobsSteady } from "./parts/jobs-steady.ts";
import { jobsUrgent } from "./parts/jobs-urgent.ts";
import { liveIdle, liveLatency, liveResume } from "./parts/live.ts";
import { liveFanOut } from "./parts/live-fan-out.ts";
import { postParagraph } from "./parts/post-paragraph.ts";
import { search } from "./parts/search.ts";
import { topParagraphs } from "./parts/top-paragraphs.ts";
import { canPin } from "./pinning.ts";
import { renderTable } from "./table.ts";

const PARTS: Readonly<Record<string, Part>> = {
  get: getParagraph,
  post: postParagraph,
  import: importNovels,
  top: topParagraphs,
  dictionary,
  search,
  auth: logIns,
  "auth-timing": logInTiming,
  "jobs-drain": jobsDrain,
  "jobs-enqueue": jobsEnqueue,
  "jobs-urgent": jobsUrgent,
  "jobs-steady": jobsSteady,
  "jobs-status": jobsStatus,
  "jobs-million": jobsMillion,
  "live-fan-out": liveFanOut,
  "live-latency": liveLatency,
  "live-idle": liveIdle,
  "live-resume": liveResume,
  coedit: coeditOne,
  "coedit-many": coeditMany,
  "coedit-history": coeditHistory,
};
/** Others at work on this many cores before we start spoil what is measured. */
const MAX_LOAD = 0.5;
const MEMORY = "memory";
const NAMES = [...Object.keys(PARTS), MEMORY];

await main();

async function main(): Promise<void> {
  const { wanted, options } = readArguments();
  const busy = loadavg()[0] ?? 0;
  if (busy > MAX_LOAD) say(`the machine is busy (load ${busy.toFixed(1)}): the figures will be too low`);
  const chosen = Object.entries(PARTS).flatMap(([name, part]) => (wanted.includes(name) ? [part] : []));
  // First, on a server of its own that nothing else has touched.
  const memory = wanted.includes(MEMORY) ? [await idleMemory(options)] : [];
  const measured =
    chosen.length > 0 ? await runParts(chosen, options) : { rows: [], versions: `Bun ${Bun.version}` };
  const rows = [...measured.rows, ...memory];
  console.log(`${machine()}; ${measured.versions}; load before the start ${busy.toFixed(1)}\n`);
  console.log(renderTable(rows));
  process.exit(rows.every((row) => row.isMet) ? 0 : 1);
}

function readArguments(): { wanted: readonly string[]; options: Options } {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      texts: { type: "string", default: join(import.meta.dir, "../../shared/data") },
      paragraphs: { type: "string", default: "300000" },
      rounds: { type: "string", default: "3" },
      short: { type: "boolean", default: false },
    },
  });
  const unknown = positionals.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) {
    console.error(
      `No part is called ${unknown.join(", ")}: take any of ${NAMES.join(", ")}, or none for all.`,
    );
    process.exit(1);
  }
  return {
    wanted: positionals.length > 0 ? positionals : NAMES,
    options: {
      texts: values.texts,
      paragraphs: Number(values.paragraphs),
      rounds: Number(values.rounds),
      isShort: values.short,
    },
  };
}

function machine(): string {
  const pinned = canPin() ? "web and bare loop on core 0, load on core 1" : "processes not bound to cores";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus()[0]?.model ?? "unknown processor"}, ${availableParallelism()} cores, ${memory}, ${type()} ${release()}; ${pinned}`;
}
