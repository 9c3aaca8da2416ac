// Whether a million queued jobs, at which the worker is busy, slow down those who sign in and who ask.
import { randomUUID } from "node:crypto";
import { openApi } from "../api.ts";
import { type Bench, say } from "../bench.ts";
import { addQueued, countQueued, emptyQueued, fillQueued, openProduct } from "../jobs/product.ts";
import { type LoadResult, runLoad, toRequest } from "../load/plan.ts";
import { untilAtRest } from "../processor-time.ts";
import { milliseconds, perSecond } from "../statistics.ts";
import type { Row } from "../table.ts";
import { createLanguage, makeParagraphs } from "../text/zipf.ts";

const QUEUED = 1_000_000;
/** More than the worker gets done meanwhile. */
const MADE = 1_200_000;
const PARAGRAPHS = 20_000;
const WORDS = 300;
/** The median of either may be this many times as long, with a worker that takes half of the machine. */
const TARGET_TIMES = 2;
const SIGN_IN = { connections: 1, durationMs: 8_000 };
const TOP = { connections: 1, durationMs: 5_000 };

type Latencies = LoadResult["latenciesMs"];

interface Measured {
  readonly signIn: Latencies;
  readonly top: Latencies;
  readonly status: Latencies;
}

export async function jobsMillion({ stoa }: Bench): Promise<Row> {
  const { port } = stoa;
  say("jobs: signing in and asking, with and without a million queued");
  const api = await openApi(port);
  const account = { email: `bench-${randomUUID()}@example.com`, password: `lapping ${randomUUID()}` };
  await post(port, "/auth/signup", account);
  const projectId = await api.createProject("bench million");
  const language = createLanguage();
  const text = [...makeParagraphs(language, { count: PARAGRAPHS, words: 60, seed: 5 })].join("\n\n");
  const imported = await api.importText(projectId, text);
  await api.awaitJob(imported.jobId);

  const get = (path: string) => toRequest({ method: "GET", path: `/api/v1${path}`, token: api.token });
  const signIns = [toRequest({ method: "POST", path: "/api/v1/auth/login", token: "", body: account })];
  const tops = language.words
    .slice(0, WORDS)
    .map((word) => get(`/paragraphs/top?project_id=${projectId}&word=${word}&limit=10`));
  const statuses = [get(`/jobs/${imported.jobId}`)];
  const measure = async (): Promise<Measured> => ({
    signIn: (await runLoad({ port, requests: signIns, ...SIGN_IN }, 200)).latenciesMs,
    top: (await runLoad({ port, requests: tops, ...TOP }, 200)).latenciesMs,
    status: (await runLoad({ port, requests: statuses, ...TOP }, 200)).latenciesMs,
  });

  await using product = await openProduct(stoa.dataDir);
  await untilAtRest();
  const without = await measure();
  await fillQueued(product, MADE);
  const last = await addQueued(product, projectId, api.userId);
  const [before, startedMs] = [await countQueued(product), performance.now()];
  const withThem = await measure();
  const position = (await runLoad({ port, requests: [get(`/jobs/${last}`)], ...TOP }, 200)).latenciesMs;
  const after = await countQueued(product);
  const worked = (before - after) / ((performance.now() - startedMs) / 1000);
  await emptyQueued(product);
  if (after < QUEUED) throw new Error(`only ${after} were left at the end: make more of them`);

  const times = (of: (measured: Measured) => Latencies) => of(withThem).p50 / of(without).p50;
  const [signIn, top] = [times((each) => each.signIn), times((each) => each.top)];
  return {
    what: "1,000,000 queued: sign-in / top words, p50",
    ours: `${signIn.toFixed(2)} / ${top.toFixed(2)} times as long`,
    bare: "",
    target: `< ${TARGET_TIMES} times`,
    isMet: signIn < TARGET_TIMES && top < TARGET_TIMES,
    notes: [
      `without and with them: sign-in ${describe(without.signIn)} and ${describe(withThem.signIn)}; top 10 for a word of ${PARAGRAPHS.toLocaleString("en")} paragraphs ${describe(without.top)} and ${describe(withThem.top)}; status of a job that has ended ${describe(without.status)} and ${describe(withThem.status)}; of the last in the queue, with its place and when it will be done, ${describe(position)}`,
      `${after.toLocaleString("en")} still waited at the end; the server's own worker did ${perSecond(worked)} of them meanwhile, beside us on the same cores`,
    ],
  };
}

function describe({ p50, p99 }: Latencies): string {
  return `p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}`;
}

async function post(port: number, path: string, body: unknown): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, init);
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
}
