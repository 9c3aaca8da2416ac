// Import of whole books through the API, ending when the last paragraph is analysed.
import { openApi } from "../api.ts";
import { importBare } from "../bare/counting.ts";
import { type Bench, say } from "../bench.ts";
import { perSecond, summariseRuns } from "../statistics.ts";
import type { Row } from "../table.ts";
import { type Novel, readNovels } from "../text/novels.ts";

const TARGET_PER_SECOND = 2500;

export async function importNovels({ stoa, bare, options }: Bench): Promise<Row> {
  const novels = await readNovels(options.texts);
  const names = novels.map((novel) => novel.name).join(", ");
  say(`import of ${names}`);
  const runs = { ours: [] as number[], bare: [] as number[] };
  let stored = 0;
  for (let round = -1; round < options.rounds; round++) {
    const [theirs, mine] = [await importAllBare(bare, novels), await importAll(stoa.port, novels)];
    stored = mine.paragraphs;
    if (round < 0) continue;
    runs.bare.push(theirs.perSecond);
    runs.ours.push(mine.perSecond);
  }
  const [mine, theirs] = [summariseRuns(runs.ours), summariseRuns(runs.bare)];
  return {
    what: "import, to the last analysed",
    ours: perSecond(mine.median),
    bare: perSecond(theirs.median),
    target: perSecond(TARGET_PER_SECOND),
    isMet: mine.median >= TARGET_PER_SECOND,
    notes: [
      `paragraphs of ${names}; ${options.rounds} runs from ${perSecond(mine.least)} to ${perSecond(mine.most)}`,
      `all ${stored.toLocaleString("en")} read back, each analysed; the bare loop splits, counts and copies in one process, without queue or events`,
    ],
  };
}

async function importAll(
  port: number,
  novels: readonly Novel[],
): Promise<{ perSecond: number; paragraphs: number }> {
  const api = await openApi(port);
  const projectId = await api.createProject("bench import");
  const startedMs = performance.now();
  let accepted = 0;
  const jobs: string[] = [];
  for (const novel of novels) {
    const answer = await api.importText(projectId, novel.text);
    accepted += answer.accepted;
    jobs.push(answer.jobId);
  }
  for (const job of jobs) await api.awaitJob(job);
  const seconds = (performance.now() - startedMs) / 1000;

  const paragraphs = await api.listParagraphs(projectId);
  const analysed = paragraphs.filter((paragraph) => paragraph.status === "analysed").length;
  if (paragraphs.length !== accepted || analysed !== accepted) {
    throw new Error(
      `${accepted} accepted, ${paragraphs.length} stored, ${analysed} analysed when the jobs had succeeded`,
    );
  }
  return { perSecond: accepted / seconds, paragraphs: accepted };
}

async function importAllBare(bare: Bench["bare"], novels: readonly Novel[]): Promise<{ perSecond: number }> {
  const startedMs = performance.now();
  let paragraphs = 0;
  for (const novel of novels) paragraphs += await importBare(bare, novel.text);
  return { perSecond: paragraphs / ((performance.now() - startedMs) / 1000) };
}
