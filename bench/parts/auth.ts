// Signing in: as fast as argon2id allows, with reads beside it; and whether the time tells who has an account.
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openApi } from "../api.ts";
import { type Bench, say } from "../bench.ts";
import { runLoad } from "../load/plan.ts";
import { bun, pin, unpin, WEB_CORE } from "../pinning.ts";
import { processorSeconds } from "../processor-time.ts";
import { compareSamples, quantile } from "../samples.ts";
import { milliseconds, perSecond, summariseRuns } from "../statistics.ts";
import type { Row } from "../table.ts";

const TARGET_SHARE = 0.9;
const USERS = 40;
/** More than are checked at one time, so that the next one is there when one is done. */
const LOAD = { connections: 8, durationMs: 4_000 };
const WARM_UP = { ...LOAD, durationMs: 1_500 };
/** As the accounts module has it: one core is left to requests. */
const CONCURRENCY = Math.max(1, availableParallelism() - 1);
const READS = { everyMs: 20, p99TargetMs: 20 };
const SAMPLES = 2_000;
/** Sets that are alike differ more than this once in a thousand times. */
const MAX_Z = 3.29;

interface Account {
  readonly email: string;
  readonly password: string;
}

export async function logIns({ stoa, options }: Bench): Promise<Row> {
  say("log in");
  const { port } = stoa;
  const accounts = await signUp(port, USERS);
  const requests = accounts.map(loginRequest);
  const api = await openApi(port);
  const paragraph = await api.createParagraph(await api.createProject("bench log-ins"), "Call me Ishmael.");
  const read = () =>
    fetch(`http://127.0.0.1:${port}/api/v1/paragraphs/${paragraph.id}`, {
      headers: { Authorization: `Bearer ${api.token}` },
    });
  const runs = {
    ours: [] as number[],
    alone: [] as number[],
    p99: [] as number[],
    spent: [] as number[],
    needed: [] as number[],
  };
  // Hashing has threads of its own, which are to run beside the one that answers.
  unpin(stoa.pid);
  for (let round = -1; round < options.rounds; round++) {
    const load = round < 0 ? WARM_UP : LOAD;
    const { perSecond: alone, processorMs } = await checkAlone(load.durationMs);
    const reads = keepReading(read);
    const startS = processorSeconds(stoa.pid);
    const { perSecond: ours, seconds } = await runLoad({ port, requests, ...load }, 200);
    const spentMs = ((processorSeconds(stoa.pid) - startS) * 1000) / (ours * seconds);
    const latenciesMs = await reads.stop();
    if (round < 0) continue;
    runs.alone.push(alone);
    runs.spent.push(spentMs);
    runs.needed.push(processorMs);
    runs.ours.push(ours);
    runs.p99.push(quantile(latenciesMs, 0.99));
  }
  pin(stoa.pid, WEB_CORE);
  const share = summariseRuns(
    runs.ours.map((ours, index) => ours / (runs.alone[index] ?? Number.NaN)),
  ).median;
  const p99Ms = summariseRuns(runs.p99).median;
  return {
    what: "log in",
    ours: perSecond(summariseRuns(runs.ours).median),
    bare: `${perSecond(summariseRuns(runs.alone).median)} (argon2id)`,
    target: `${TARGET_SHARE * 100} % of it`,
    isMet: share >= TARGET_SHARE && p99Ms < READS.p99TargetMs,
    notes: [
      `${Math.round(share * 100)} % of what argon2id alone allows, ${CONCURRENCY} at a time; neither is bound to a core`,
      `processor time: ${milliseconds(summariseRuns(runs.spent).median)} a log-in, of which argon2id alone ${milliseconds(summariseRuns(runs.needed).median)}`,
      `50 reads/s beside it: p99 ${runs.p99.map(milliseconds).join(", ")} (target ${READS.p99TargetMs} ms)`,
    ],
  };
}

export async function logInTiming({ stoa }: Bench): Promise<Row> {
  const { port } = stoa;
  const accounts = await signUp(port, USERS);
  const known = (index: number) => accounts[index % USERS]?.email ?? "";
  const unknown = (index: number) => `nobody-${index}-${randomUUID()}@example.com`;
  const calls: [path: string, body: (email: string) => unknown, status: number][] = [
    ["login", (email) => ({ email, password: `wrong ${randomUUID()}` }), 401],
    ["password/forgot", (email) => ({ email }), 202],
  ];
  const results: { path: string; z: number; note: string }[] = [];
  for (const [path, body, status] of calls) {
    const ask = (email: string) => post(port, path, body(email));
    if ((await ask(unknown(-1))).status !== status) continue;
    say(`timing of ${path}: ${SAMPLES} samples each`);
    const samples = { known: [] as number[], unknown: [] as number[] };
    for (let index = 0; index < SAMPLES; index++) {
      // By chance one or the other first, so that neither always follows the other.
      const kinds = Math.random() < 0.5 ? (["known", "unknown"] as const) : (["unknown", "known"] as const);
      for (const kind of kinds) {
        const email = kind === "known" ? known(index) : unknown(index);
        const answer = await ask(email);
        if (answer.status !== status) throw new Error(`${path}: ${answer.status} for a ${kind} address`);
        samples[kind].push(answer.ms);
      }
    }
    const { medianOne, medianOther, z } = compareSamples(samples.known, samples.unknown);
    const spread = (values: number[]) =>
      `${milliseconds(quantile(values, 0.05))} to ${milliseconds(quantile(values, 0.95))}`;
    const note =
      `${path}: median known ${medianOne.toFixed(3)} ms, unknown ${medianOther.toFixed(3)} ms, Mann-Whitney z ${z.toFixed(2)}; ` +
      `nine of ten from ${spread(samples.known)} and ${spread(samples.unknown)}`;
    results.push({ path, z, note });
  }
  return {
    what: "known or unknown, by the time",
    ours: results.map(({ path, z }) => `${path}: z ${z.toFixed(2)}`).join(", "),
    bare: "",
    target: `|z| < ${MAX_Z}`,
    isMet: results.length > 0 && results.every(({ z }) => Math.abs(z) < MAX_Z),
    notes: results.map(({ note }) => note),
  };
}

async function signUp(port: number, count: number): Promise<Account[]> {
  const accounts = Array.from({ length: count }, () => ({
    email: `bench-${randomUUID()}@example.com`,
    password: `lapping ${randomUUID()}`,
  }));
  for (const account of accounts) {
    const { status } = await post(port, "signup", account);
    if (status !== 201) throw new Error(`sign-up: ${status}`);
  }
  return accounts;
}

async function post(port: number, path: string, body: unknown): Promise<{ status: number; ms: number }> {
  const init = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const startMs = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/auth/${path}`, init);
  await answer.arrayBuffer();
  return { status: answer.status, ms: performance.now() - startMs };
}

function loginRequest(account: Account): string {
  const text = JSON.stringify(account);
  return `POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

/** Checks of a password a second, and the processor time of each. */
async function checkAlone(durationMs: number): Promise<{ perSecond: number; processorMs: number }> {
  const script = join(import.meta.dir, "../bare/password-checks.ts");
  const child = Bun.spawn(bun(script, String(CONCURRENCY), String(durationMs)), {
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the checks of passwords failed");
  const [perSecond = Number.NaN, processorMs = Number.NaN] = output.split(" ").map(Number);
  return { perSecond, processorMs };
}

/** Asks at a steady pace, whether or not the answers come. */
function keepReading(read: () => Promise<Response>): { stop(): Promise<number[]> } {
  const pending: Promise<number>[] = [];
  const ask = async () => {
    const startMs = performance.now();
    const answer = await read();
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`a read beside the log-ins: ${answer.status}`);
    return performance.now() - startMs;
  };
  const timer = setInterval(() => pending.push(ask()), READS.everyMs);
  return {
    stop() {
      clearInterval(timer);
      return Promise.all(pending);
    },
  };
}
