// `npm run test:coedit [-- --minutes 5 --seed 1]`: editors of one document under kills, cuts and restarts; afterwards they must
// have one text, the stored one, with all that any of them was shown. Then against a build that relays before it stores.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SQL } from "bun";
import { onCluster, post, showFaults, sum, waitFor } from "./chaos/cluster.ts";
import { runFaults } from "./chaos/faults.ts";
import { createRandom } from "./chaos/random.ts";
import { isCaught } from "./chaos/saboteur.ts";
import { checkTexts, checkWitness, readDocument } from "./coedit/checker.ts";
import { type Editor, openEditor } from "./coedit/editors.ts";
import { RELAYS_BEFORE_IT_STORES } from "./coedit/saboteur.ts";
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
  const control = { minutes: CONTROL_MINUTES, catchUpMs: CONTROL_CATCH_UP_MS };
  const hasCaught =
    values["without-control"] ||
    (await isCaught(ROOT, RELAYS_BEFORE_IT_STORES, (root) => runChaos({ ...plan, ...control, root })));
  const isGood = problems.length === 0 && hasCaught;
  console.log(`${problems.length === 0 ? 1 : 0} pass\n${isGood ? 0 : 1} fail`);
  process.exit(isGood ? 0 : 1);
}

function runChaos(plan: Plan): Promise<string[]> {
  return onCluster({ root: plan.root, showsLogs: plan.root === ROOT }, async ({ postgres, servers }) => {
    const random = createRandom(plan.seed);
    const port = () => random.pick(servers).port;
    const { token, createPost } = await prepare(port);
    const postId = await createPost();
    // Chance of its own for each: the order in which they come is not in our hands.
    const editors = Array.from({ length: plan.editors }, (_, index) =>
      openEditor({ postId, token: () => token, port, random: createRandom(plan.seed + index) }),
    );
    const visitors = receiveVisitors({
      createPost,
      token: () => token,
      port,
      random: createRandom(plan.seed - 1),
    });
    try {
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
      return problems;
    } finally {
      for (const editor of editors) editor.close();
      await visitors.stop();
    }
  });
}

function goOffline(editor: Editor | undefined, runMs: number): void {
  const awayMs = Math.min(AWAY_MS, runMs / 2);
  setTimeout(() => editor?.goAway(), runMs / 4);
  setTimeout(() => editor?.comeBack(), runMs / 4 + awayMs);
}

async function prepare(port: () => number) {
  const who = { email: "chaos@example.org", password: PASSWORD };
  await post(port(), "/auth/signup", who);
  // A run is shorter than a token lives.
  const token = (await post(port(), "/auth/login", who)).access_token ?? "";
  return {
    token,
    createPost: async () => (await post(port(), "/posts", { title: "Chaos", body: "" }, token)).id ?? "",
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
  const confirmed = visits.filter(({ witness }) => witness.clocks.size > 0).length;
  console.log(
    [
      `${sum(editors.map((each) => each.edits()))} edits over ${sum(editors.map((each) => each.connections()))} connections, a text of ${editors[0]?.text().length} characters`,
      `${visits.length} visitors, ${confirmed} of them confirmed`,
      showFaults(faults),
    ].join("\n"),
  );
}
