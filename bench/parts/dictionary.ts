// The most frequent words of one large project with what they mean: from the cache, and made anew.
import { openApi } from "../api.ts";
import { type Bench, say } from "../bench.ts";
import { runLoad, toRequest } from "../load/plan.ts";
import { untilAtRest } from "../processor-time.ts";
import { milliseconds } from "../statistics.ts";
import type { Row } from "../table.ts";
import { createLanguage, makeParagraphs } from "../text/zipf.ts";
import { toStream } from "./top-paragraphs.ts";

const TARGET_WARM_MS = 1;
const TARGET_COLD_MS = 50;
const WORDS_PER_PARAGRAPH = 60;
const SEED = 7;
const WARM = { connections: 1, durationMs: 5_000 };
/** Each is counted by itself: 10 are among the first 100, 1,000 are not, and stop words change both. */
const COLD = [
  "limit=10",
  "limit=10&stop_words=exclude",
  "limit=1000",
  "limit=1000&stop_words=exclude",
] as const;

export async function dictionary({ stoa, options }: Bench): Promise<Row> {
  const count = options.paragraphs;
  const api = await openApi(stoa.port);
  const ask = async (projectId: string, query: string) => {
    const headers = { Authorization: `Bearer ${api.token}` };
    const startedMs = performance.now();
    const address = `http://127.0.0.1:${stoa.port}/api/v1/dictionary?project_id=${projectId}&${query}`;
    const answer = await fetch(address, { headers });
    // As dictionary/http.ts shows it.
    const body = (await answer.json()) as { cached: boolean; words: unknown[] };
    return { tookMs: performance.now() - startedMs, isCached: body.cached, words: body.words.length };
  };

  say(`loading ${count.toLocaleString("en")} paragraphs for the dictionary`);
  const projectId = await api.createProject("bench dictionary");
  const text = makeParagraphs(createLanguage(), { count, words: WORDS_PER_PARAGRAPH, seed: SEED });
  const { jobId } = await api.importText(projectId, toStream(text));
  await api.awaitJob(jobId);
  // A few that are in no segment yet.
  await api.awaitJob((await api.createParagraph(projectId, "the last one of all")).jobId);

  // The libraries and files of the dictionary are loaded with the first answer of a process.
  const first = await ask(await api.createProject("bench dictionary, empty"), "limit=10");
  await untilAtRest();
  const cold: number[] = [];
  for (const query of COLD) {
    const { tookMs, isCached } = await ask(projectId, query);
    if (isCached) throw new Error(`${query} was cached: what is measured is not what was meant`);
    cold.push(tookMs);
  }
  const path = `/api/v1/dictionary?project_id=${projectId}&limit=10`;
  const requests = [toRequest({ method: "GET", path, token: api.token })];
  const warm = (await runLoad({ port: stoa.port, requests, ...WARM }, 200)).latenciesMs;
  const coldMs = Math.max(...cold.slice(0, 2));
  return {
    what: `dictionary of ${count.toLocaleString("en")} paragraphs, cached p50 and made anew`,
    ours: `${milliseconds(warm.p50)}, ${milliseconds(coldMs)}`,
    bare: "",
    target: `< ${milliseconds(TARGET_WARM_MS)}, < ${milliseconds(TARGET_COLD_MS)}`,
    isMet: warm.p50 < TARGET_WARM_MS && coldMs < TARGET_COLD_MS,
    notes: [
      `over HTTP, one at a time; cached: p99 ${milliseconds(warm.p99)}, longest ${milliseconds(warm.max)}`,
      `made anew, nothing of it in the cache: ${COLD.map((query, index) => `${query} ${milliseconds(cold[index] ?? 0)}`).join(", ")}`,
      `the first answer of the process, with the libraries loaded: ${milliseconds(first.tookMs)}`,
    ],
  };
}
