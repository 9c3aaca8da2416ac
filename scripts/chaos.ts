// `npm run test:chaos [-- --minutes 5 --seed 1]`: the live feed under kills, cuts and restarts; afterwards nothing may be missing.
// Then, shorter, against a build that leaves out one replayed event: the run fails unless the checker notices.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SQL } from "bun";
import { checkLog, checkSubscriber, readLog } from "./chaos/checker.ts";
import { onCluster, post, showFaults, sum, waitFor } from "./chaos/cluster.ts";
import { runFaults } from "./chaos/faults.ts";
import { createRandom } from "./chaos/random.ts";
import { isCaught, LEAVES_OUT_AN_EVENT } from "./chaos/saboteur.ts";
import { type Subscriber, subscribeByClient, subscribePlainly } from "./chaos/subscribers.ts";
import { startWriter, type Writer } from "./chaos/writers.ts";

interface Plan {
  readonly root: string;
  readonly minutes: number;
  readonly seed: number;
  readonly subscribers: number;
  readonly projects: number;
}

const ROOT = join(import.meta.dir, "..");
const CATCH_UP_MS = 60_000;
/** Long enough to cut everybody several times. */
const CONTROL_MINUTES = 0.25;
const WRITE_PAUSE_MS = 100;
const SHOWN_PROBLEMS = 10;
const PASSWORD = "quiet marble colonnade";

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "5" },
      seed: { type: "string", default: String(randomBytes(4).readUInt32BE()) },
      subscribers: { type: "string", default: "200" },
      projects: { type: "string", default: "20" },
      "without-control": { type: "boolean", default: false },
    },
  });
  const plan: Plan = {
    root: ROOT,
    minutes: Number(values.minutes),
    seed: Number(values.seed),
    subscribers: Number(values.subscribers),
    projects: Number(values.projects),
  };
  console.log(`chaos: seed ${plan.seed}, ${plan.minutes} minutes`);
  const problems = await runChaos(plan);
  show(problems);
  const hasCaught =
    values["without-control"] ||
    (await isCaught(ROOT, LEAVES_OUT_AN_EVENT, (root) =>
      runChaos({ ...plan, root, minutes: CONTROL_MINUTES }),
    ));
  console.log(`${problems.length === 0 ? 1 : 0} pass\n${problems.length === 0 && hasCaught ? 0 : 1} fail`);
  process.exit(problems.length === 0 && hasCaught ? 0 : 1);
}

function runChaos(plan: Plan): Promise<string[]> {
  return onCluster({ root: plan.root, showsLogs: plan.root === ROOT }, async ({ postgres, servers }) => {
    const random = createRandom(plan.seed);
    const port = () => random.pick(servers).port;
    const { token, projects } = await prepare(servers[0]?.port ?? 0, plan.projects);
    const subscribers: Subscriber[] = [];
    try {
      for (let index = 0; index < plan.subscribers; index++) {
        const projectId = projects[index % projects.length] ?? "";
        const subscribe = index % 2 ? subscribeByClient : subscribePlainly;
        // Chance of its own: the order of its events is not in our hands.
        subscribers.push(subscribe({ projectId, token, port, random: createRandom(plan.seed + index) }));
      }
      await waitFor("the subscriptions", CATCH_UP_MS, () =>
        subscribers.every((each) => each.from() !== undefined),
      );
      const writers = projects.map((projectId, index) =>
        startWriter({
          projectId,
          token,
          port,
          random: createRandom(plan.seed - index),
          pauseMs: WRITE_PAUSE_MS,
        }),
      );
      const faults = await runFaults(
        { postgres, servers, subscribers, random },
        performance.now() + plan.minutes * 60_000,
      );
      await Promise.all(writers.map((writer) => writer.stop()));
      const problems = await check(postgres.url, subscribers, writers);
      report(faults, subscribers, writers);
      return problems;
    } finally {
      for (const subscriber of subscribers) subscriber.close();
    }
  });
}

/** Somebody with projects. */
async function prepare(port: number, count: number) {
  const who = { email: "chaos@example.org", password: PASSWORD };
  await post(port, "/auth/signup", who);
  let current = (await post(port, "/auth/login", who)).access_token ?? "";
  const projects: string[] = [];
  for (let index = 0; index < count; index++) {
    projects.push((await post(port, "/projects", { name: `Chaos ${index}` }, current)).id ?? "");
  }
  const token = () => current;
  // Longer runs outlive a token.
  setInterval(
    () =>
      void post(port, "/auth/login", who).then(
        (answer) => (current = answer.access_token ?? current),
        () => {},
      ),
    600_000,
  ).unref();
  return { token, projects };
}

async function check(
  url: string,
  subscribers: readonly Subscriber[],
  writers: readonly Writer[],
): Promise<string[]> {
  const sql = new SQL({ url, adapter: "postgres", max: 1 });
  try {
    const logs = new Map<string, Awaited<ReturnType<typeof readLog>>>();
    for (const { projectId } of writers) logs.set(projectId, [...(await readLog(sql, projectId))]);
    const hasAll = ({ projectId, seen }: Subscriber) => seen.at(-1)?.seq === logs.get(projectId)?.at(-1)?.seq;
    // Whoever has not caught up by then is found by the comparison.
    await waitFor("the last events", CATCH_UP_MS, () => subscribers.every(hasAll)).catch(() => {});
    return [
      ...writers.flatMap((writer) => checkLog(writer, logs.get(writer.projectId) ?? [])),
      ...subscribers.flatMap((each, index) => checkSubscriber(each, logs.get(each.projectId) ?? [], index)),
    ];
  } finally {
    await sql.close({ timeout: 0 });
  }
}

function report(
  faults: Record<string, number>,
  subscribers: readonly Subscriber[],
  writers: readonly Writer[],
): void {
  const acknowledged = sum(writers.map((writer) => writer.acknowledged.length));
  console.log(
    [
      `${acknowledged} writes acknowledged, ${sum(writers.map((writer) => writer.failed()))} failed or unanswered`,
      `${sum(subscribers.map((each) => each.seen.length))} events seen over ${sum(subscribers.map((each) => each.connections()))} connections`,
      showFaults(faults),
    ].join("\n"),
  );
}

function show(problems: readonly string[]): void {
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) console.log(`PROBLEM ${problem}`);
  console.log(
    problems.length === 0 ? "every subscriber saw every event once, in order" : `${problems.length} problems`,
  );
}
