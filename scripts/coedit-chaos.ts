// `npm run test:coedit [-- --minutes 5 --seed 1]`: editors of one document under kills, cuts and restarts; afterwards they must
// have one text, the stored one, with all that any of them was shown. Then against a build that relays before it stores.
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SQL } from "bun";
import { runFaults } from "./chaos/faults.ts";
import { makePostgres } from "./chaos/postgres.ts";
import { createRandom } from "./chaos/random.ts";
import { type ChaosServer, makeServer } from "./chaos/server.ts";
import { checkTexts, checkWitness, readDocument } from "./coedit/checker.ts";
import { type Editor, openEditor } from "./coedit/editors.ts";
import { makeSabotagedCopy } from "./coedit/saboteur.ts";
import { receiveVisitors, type Visitors } from "./coedit/visitors.ts";

interface Plan {
  readonly root: string;
  readonly minutes: number;
  readonly seed: number;
  readonly editors: number;
  /** For all to have one text. */
  readonly catchUpMs: number;
}

const ROOT = join(import.meta.dir, "..");
const CATCH_UP_MS = 90_000;
/** Sabotaged, they may never have. */
const CONTROL_CATCH_UP_MS = 15_000;
const CONTROL_MINUTES = 0.25;
/** How long one of them is offline: a minute, or a part of a shorter run. */
const AWAY_MS = 60_000;
const SHOWN_PROBLEMS = 10;
const PASSWORD = "quiet marble colonnade";

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "5" },
      seed: { type: "string", default: String(randomBytes(4).readUInt32BE()) },
      editors: { type: "string", default: "20" },
      "without-control": { type: "boolean", default: false },
    },
  });
  const plan: Plan = {
    root: ROOT,
    minutes: Number(values.minutes),
    seed: Number(values.seed),
    editors: Number(values.editors),
    catchUpMs: CATCH_UP_MS,
  };
  console.log(`coedit: seed ${plan.seed}, ${plan.minutes} minutes, ${plan.editors} editors`);
  const problems = await runChaos(plan);
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) console.log(`PROBLEM ${problem}`);
  console.log(
    problems.length === 0
      ? "one text, the stored one, with all that anybody was shown"
      : `${problems.length} problems`,
  );
  const hasCaught = values["without-control"] || (await runControl(plan));
  const isGood = problems.length === 0 && hasCaught;
  console.log(`${problems.length === 0 ? 1 : 0} pass\n${isGood ? 0 : 1} fail`);
  process.exit(isGood ? 0 : 1);
}

async function runControl(plan: Plan): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), "stoa-coedit-control-"));
  try {
    const root = await makeSabotagedCopy(ROOT, directory);
    console.log("control: the same against a build that relays before it stores, and loses some");
    const problems = await runChaos({
      ...plan,
      root,
      minutes: CONTROL_MINUTES,
      catchUpMs: CONTROL_CATCH_UP_MS,
    });
    console.log(
      problems.length > 0 ? `control: caught, ${problems[0]}` : "control: NOT caught, so the proof is none",
    );
    return problems.length > 0;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runChaos(plan: Plan): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "stoa-coedit-"));
  const random = createRandom(plan.seed);
  const postgres = makePostgres(directory, freePort());
  const secretKey = randomBytes(32).toString("base64");
  const servers = [freePort(), freePort()].map((port) =>
    makeServer({ root: plan.root, directory, databaseUrl: postgres.url, secretKey, port }),
  );
  let editors: Editor[] = [];
  let visitors: Visitors | undefined;
  try {
    await postgres.start();
    for (const server of servers) await server.start();
    const port = () => random.pick(servers).port;
    const { token, createPost } = await prepare(port);
    const postId = await createPost();
    // Chance of its own for each: the order in which they come is not in our hands.
    editors = Array.from({ length: plan.editors }, (_, index) =>
      openEditor({ postId, token: () => token, port, random: createRandom(plan.seed + index) }),
    );
    visitors = receiveVisitors({
      createPost,
      token: () => token,
      port,
      random: createRandom(plan.seed - 1),
    });
    await waitFor("the editors", CATCH_UP_MS, () => editors.every((editor) => editor.isSynced()));
    const runMs = plan.minutes * 60_000;
    goOffline(editors[0], runMs);
    const faults = await runFaults(
      { postgres, servers, subscribers: editors, random },
      performance.now() + runMs,
    );
    for (const editor of editors) editor.rest();
    await visitors.stop();
    const problems = await check({ ...plan, url: postgres.url, postId, editors, visitors });
    report(faults, editors, visitors);
    if (problems.length > 0 && plan.root === ROOT) await showLogs(directory, servers);
    return problems;
  } finally {
    for (const editor of editors) editor.close();
    await Promise.all(servers.map((server) => server.kill()));
    await visitors?.stop();
    await postgres.stop("SIGQUIT");
    await rm(directory, { recursive: true, force: true });
  }
}

function goOffline(editor: Editor | undefined, runMs: number): void {
  const awayMs = Math.min(AWAY_MS, runMs / 2);
  setTimeout(() => editor?.goAway(), runMs / 4);
  setTimeout(() => editor?.comeBack(), runMs / 4 + awayMs);
}

async function prepare(port: () => number) {
  const post = async (path: string, body: object, token = "") => {
    const headers = {
      "Content-Type": "application/json",
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
    };
    const answer = await fetch(`http://127.0.0.1:${port()}/api/v1${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(5_000),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    // Each of these calls answers with an object.
    return (await answer.json()) as Record<string, string>;
  };
  const who = { email: "chaos@example.org", password: PASSWORD };
  await post("/auth/signup", who);
  // A run is shorter than a token lives.
  const token = (await post("/auth/login", who)).access_token ?? "";
  return {
    token,
    createPost: async () => (await post("/posts", { title: "Chaos", body: "" }, token)).id ?? "",
  };
}

interface Scene extends Pick<Plan, "catchUpMs"> {
  readonly url: string;
  readonly postId: string;
  readonly editors: readonly Editor[];
  readonly visitors: Visitors;
}

async function check({ url, postId, editors, visitors, catchUpMs }: Scene): Promise<string[]> {
  const sql = new SQL({ url, adapter: "postgres", max: 1 });
  const stored = async () => (await readDocument(sql, postId))?.getText("body").toString() ?? "";
  const body = async () => String((await sql`SELECT body FROM posts WHERE id = ${postId}`)[0]?.body);
  try {
    const isOne = async () => {
      const text = await stored();
      return editors.every((each) => each.isSynced() && each.text() === text) && (await body()) === text;
    };
    // Whoever has not caught up by then is found by the comparison.
    await waitFor("one text", catchUpMs, isOne).catch(() => {});
    const document = await readDocument(sql, postId);
    const problems = checkTexts(
      editors.map((editor) => editor.text()),
      await stored(),
      await body(),
    );
    for (const [index, { witness }] of editors.entries()) {
      problems.push(...checkWitness(`editor ${index}`, witness, document));
    }
    for (const [index, visit] of visitors.visits.entries()) {
      problems.push(
        ...checkWitness(`visitor ${index}`, visit.witness, await readDocument(sql, visit.postId)),
      );
    }
    return problems;
  } finally {
    await sql.close({ timeout: 0 });
  }
}

function report(faults: Record<string, number>, editors: readonly Editor[], { visits }: Visitors): void {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  const confirmed = visits.filter(({ witness }) => witness.clocks.size > 0).length;
  console.log(
    [
      `${sum(editors.map((each) => each.edits()))} edits over ${sum(editors.map((each) => each.connections()))} connections, a text of ${editors[0]?.text().length} characters`,
      `${visits.length} visitors, ${confirmed} of them confirmed`,
      Object.entries(faults)
        .map(([name, count]) => `${name} ${count}×`)
        .join(", "),
    ].join("\n"),
  );
}

async function showLogs(directory: string, servers: readonly ChaosServer[]): Promise<void> {
  for (const { port } of servers) {
    const text = await readFile(join(directory, `server-${port}.log`), "utf8");
    console.log(text.split("\n").slice(-SHOWN_PROBLEMS).join("\n"));
  }
}

async function waitFor(
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

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}
