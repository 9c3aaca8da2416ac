// POST one paragraph over 100 projects: durable, with event and job; afterwards every one is counted and analysed.
import { randomUUID } from "node:crypto";
import { type Api, openApi, type Paragraph } from "../api.ts";
import { startBareServer } from "../bare/process.ts";
import { type Bench, say } from "../bench.ts";
import { runLoad, toRequest } from "../load/plan.ts";
import { milliseconds, perSecond, summariseRuns } from "../statistics.ts";
import type { Row } from "../table.ts";
import { createRandom } from "../text/random.ts";
import { createLanguage, makeParagraphs } from "../text/zipf.ts";

const TARGET_PER_SECOND = 5000;
const PROJECTS = 100;
const LOAD = { connections: 64, durationMs: 4000 };
const WARM_UP = { ...LOAD, durationMs: 1000 };
const TEXT = { count: 2000, words: 20, seed: 7 };
const ANALYSED_TIMEOUT_MS = 120_000;

export async function postParagraph({ stoa, bare, options }: Bench): Promise<Row> {
  say(`POST one paragraph over ${PROJECTS} projects`);
  const texts = [...makeParagraphs(createLanguage(), TEXT)];
  const api = await openApi(stoa.port);
  const projects: string[] = [];
  for (let made = 0; made < PROJECTS; made++) projects.push(await api.createProject(`bench post ${made}`));
  const ours = { port: stoa.port, requests: requests("/api/v1/paragraphs", api.token, projects, texts) };

  await using bareServer = await startBareServer(bare, 4);
  const bareProjects = Array.from({ length: PROJECTS }, () => randomUUID());
  await bare.sql`INSERT INTO heads ${bare.sql(bareProjects.map((project_id) => ({ project_id })))}`;
  const barest = {
    port: bareServer.port,
    requests: requests("/paragraphs", bareServer.token, bareProjects, texts),
  };

  const runs = { ours: [] as number[], bare: [] as number[] };
  let sent = 0;
  let analysedAfterMs = Number.NaN;
  let last = { p50: Number.NaN, p99: Number.NaN };
  for (let round = -1; round < options.rounds; round++) {
    const load = round < 0 ? WARM_UP : LOAD;
    const [a, b] = [await runLoad({ ...barest, ...load }, 202), await runLoad({ ...ours, ...load }, 202)];
    sent += b.statuses[202] ?? 0;
    last = b.latenciesMs;
    // Also so that the bare loop does not share the machine with what ours has left to do.
    analysedAfterMs = await untilAllAnalysed(api, projects, sent);
    if (round < 0) continue;
    runs.bare.push(a.perSecond);
    runs.ours.push(b.perSecond);
  }
  const [mine, theirs] = [summariseRuns(runs.ours), summariseRuns(runs.bare)];
  return {
    what: `POST one paragraph, ${PROJECTS} projects`,
    ours: perSecond(mine.median),
    bare: perSecond(theirs.median),
    target: perSecond(TARGET_PER_SECOND),
    isMet: mine.median >= TARGET_PER_SECOND,
    notes: [
      `${options.rounds} runs from ${perSecond(mine.least)} to ${perSecond(mine.most)}; p50 ${milliseconds(last.p50)}, p99 ${milliseconds(last.p99)} in the last`,
      `all ${sent.toLocaleString("en")} are stored once and analysed, all of it seen ${(analysedAfterMs / 1000).toFixed(1)} s after the last answer`,
    ],
  };
}

function requests(
  path: string,
  token: string,
  projects: readonly string[],
  texts: readonly string[],
): string[] {
  const random = createRandom(11);
  return texts.map((text, index) => {
    const project = projects[(index + Math.floor(random() * projects.length)) % projects.length];
    return toRequest({ method: "POST", path, token, body: { project_id: project, paragraphs: [text] } });
  });
}

/** Reads every paragraph back; throws when one is missing, twice there or never analysed. */
async function untilAllAnalysed(api: Api, projects: readonly string[], expected: number): Promise<number> {
  const startedMs = performance.now();
  const found: Paragraph[] = [];
  for (const projectId of projects)
    found.push(...(await untilAnalysed(api, projectId, startedMs + ANALYSED_TIMEOUT_MS)));
  const different = new Set(found.map((paragraph) => paragraph.id)).size;
  if (found.length !== expected || different !== expected) {
    throw new Error(
      `${expected} were acknowledged, ${found.length} are stored, ${different} of them different`,
    );
  }
  return performance.now() - startedMs;
}

async function untilAnalysed(api: Api, projectId: string, deadlineMs: number): Promise<Paragraph[]> {
  for (;;) {
    const paragraphs = await api.listParagraphs(projectId);
    const pending = paragraphs.filter((paragraph) => paragraph.status !== "analysed").length;
    if (pending === 0) return paragraphs;
    if (performance.now() > deadlineMs)
      throw new Error(`${pending} paragraphs of a project were not analysed`);
    await Bun.sleep(50);
  }
}
