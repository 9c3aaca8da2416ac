// Top 10 paragraphs for a word, any word, in one large project.
import { randomUUID } from "node:crypto";
import { openApi } from "../api.ts";
import { copy, countWords, toCopyText } from "../bare/counting.ts";
import { startBareServer } from "../bare/process.ts";
import { type Bench, say } from "../bench.ts";
import { type LoadResult, runLoad, toRequest } from "../load/plan.ts";
import { untilAtRest } from "../processor-time.ts";
import { milliseconds, perSecond } from "../statistics.ts";
import type { Row } from "../table.ts";
import { createRandom } from "../text/random.ts";
import { createLanguage, type Language, makeParagraphs } from "../text/zipf.ts";

const TARGET_P99_MS = 10;
const WORDS_PER_PARAGRAPH = 60;
const ASKED_WORDS = 300;
const SEED = 3;
/** One connection: what is measured is how long one answer takes, not how many there are. */
const ONCE = { connections: 1, durationMs: 60_000, isOnce: true };
const REPEATED = { connections: 1, durationMs: 5000 };

type Latencies = LoadResult["latenciesMs"];

export async function topParagraphs({ stoa, bare, options }: Bench): Promise<Row> {
  const language = createLanguage();
  const words = chooseWords(language);
  const count = options.paragraphs;
  const text = { count, words: WORDS_PER_PARAGRAPH, seed: SEED };

  say(`loading ${count.toLocaleString("en")} paragraphs through the import`);
  const api = await openApi(stoa.port);
  const projectId = await api.createProject("bench top");
  const startedMs = performance.now();
  const answer = await api.importText(projectId, toStream(makeParagraphs(language, text)));
  if (answer.accepted !== count) throw new Error(`${answer.accepted} of ${count} paragraphs were accepted`);
  await api.awaitJob(answer.jobId);
  const loaded = count / ((performance.now() - startedMs) / 1000);

  say("loading the rows of the asked words for the bare loop");
  const bareProjectId = await fillBare(bare, makeParagraphs(language, text), new Set(words));
  await using server = await startBareServer(bare, 4);

  await untilAtRest();
  say(`top 10 for ${words.length} words`);
  const mine = { port: stoa.port, path: "/api/v1/paragraphs/top", token: api.token, projectId };
  const theirs = {
    port: server.port,
    path: "/paragraphs/top/words",
    token: server.token,
    projectId: bareProjectId,
  };
  // Each word for the first time: nothing that an answer was made of is in memory yet.
  const first = { ours: await ask(mine, words, ONCE), bare: await ask(theirs, words, ONCE) };
  const again = { ours: await ask(mine, words, REPEATED), bare: await ask(theirs, words, REPEATED) };
  const commonest = await ask(mine, language.words.slice(0, 1), REPEATED);
  return {
    what: `top 10 for any word, ${count.toLocaleString("en")} paragraphs, p99`,
    ours: milliseconds(first.ours.p99),
    bare: milliseconds(first.bare.p99),
    target: `< ${milliseconds(TARGET_P99_MS)}`,
    isMet: first.ours.p99 < TARGET_P99_MS,
    notes: [
      `${words.length} words, half of them drawn as often as they are common, half from all; over HTTP, one at a time`,
      `each for the first time: ${describe(first.ours)}; the bare loop, rows and an index in the order of counts: ${describe(first.bare)}`,
      `again and again: ${describe(again.ours)}; the bare loop: ${describe(again.bare)}`,
      `the commonest word alone: ${describe(commonest)}`,
      `loaded and analysed at ${perSecond(loaded)}`,
    ],
  };
}

function describe({ p50, p99, max }: Latencies): string {
  return `p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}, longest ${milliseconds(max)}`;
}

/** The commonest, others as often as they are common, and as many from the whole vocabulary. */
function chooseWords(language: Language): string[] {
  const random = createRandom(SEED + 1);
  const words = new Set(language.words.slice(0, 10));
  while (words.size < ASKED_WORDS / 2) words.add(language.draw(random));
  while (words.size < ASKED_WORDS)
    words.add(language.words[Math.floor(random() * language.words.length)] ?? "");
  return [...words].sort(() => random() - 0.5);
}

interface Target {
  readonly port: number;
  readonly path: string;
  readonly token: string;
  readonly projectId: string;
}

async function ask(target: Target, words: readonly string[], load: typeof REPEATED): Promise<Latencies> {
  const { port, path, token, projectId } = target;
  const requests = words.map((word) =>
    toRequest({ method: "GET", path: `${path}?project_id=${projectId}&word=${word}&limit=10`, token }),
  );
  return (await runLoad({ port, requests, ...load }, 200)).latenciesMs;
}

export function toStream(paragraphs: Generator<string>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const lines: string[] = [];
      for (let next = paragraphs.next(); !next.done; next = paragraphs.next()) {
        lines.push(next.value, "\n\n");
        if (lines.length >= 400) break;
      }
      if (lines.length === 0) controller.close();
      else controller.enqueue(Buffer.from(lines.join("")));
    },
  });
}

/** Rows for the asked words only: with them, all that a query reads is there. */
async function fillBare(
  { sql }: Bench["bare"],
  paragraphs: Generator<string>,
  asked: ReadonlySet<string>,
): Promise<string> {
  const projectId = randomUUID();
  const rows: string[] = [];
  const counts: string[] = [];
  for (const content of paragraphs) {
    const id = randomUUID();
    rows.push(`${id}\t${projectId}\t${projectId}\t${toCopyText(content)}\n`);
    for (const [word, count] of countWords(content)) {
      if (asked.has(word)) counts.push(`${projectId}\t${word}\t${count}\t${id}\n`);
    }
  }
  await sql.begin(async (tx) => {
    await copy(tx`COPY paragraphs (id, project_id, author_id, content) FROM STDIN`, rows);
    await copy(tx`COPY word_counts (project_id, word, count, paragraph_id) FROM STDIN`, counts);
  });
  await sql`VACUUM ANALYZE paragraphs, word_counts`;
  return projectId;
}
