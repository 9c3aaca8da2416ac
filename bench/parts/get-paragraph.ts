// GET one paragraph, authenticated, its role checked: web on one core, the load on another.
import { randomUUID } from "node:crypto";
import { openApi } from "../api.ts";
import { startBareServer } from "../bare/process.ts";
import { type Bench, say } from "../bench.ts";
import { type LoadPlan, runLoad, toRequest } from "../load/plan.ts";
import { milliseconds, perSecond, summariseRuns } from "../statistics.ts";
import type { Row } from "../table.ts";

const TARGET_PER_SECOND = 25_000;
const PARAGRAPHS = 1000;
const CONTENT =
  "Call me Ishmael. Some years ago, never mind how long precisely, I thought I would sail about a little. ".repeat(
    3,
  );
const LOAD = { connections: 64, durationMs: 4000 };
const WARM_UP = { ...LOAD, durationMs: 2000 };

export async function getParagraph({ stoa, bare, options }: Bench): Promise<Row> {
  say("GET one paragraph");
  const api = await openApi(stoa.port);
  const projectId = await api.createProject("bench get");
  const ids: string[] = [];
  for (let made = 0; made < PARAGRAPHS; made++) ids.push((await api.createParagraph(projectId, CONTENT)).id);
  const ours = { port: stoa.port, requests: ids.map((id) => get(`/api/v1/paragraphs/${id}`, api.token)) };

  await using bare2 = await startBareServer(bare, 2);
  await using bare4 = await startBareServer(bare, 4);
  const bareIds = await fillBare(bare, [bare2.userId, bare4.userId]);
  const [two, four] = [bare2, bare4].map((server) => ({
    port: server.port,
    requests: bareIds.map((id) => get(`/paragraphs/${id}`, server.token)),
  }));

  const runs = { ours: [] as number[], two: [] as number[], four: [] as number[] };
  let last = { p50: Number.NaN, p99: Number.NaN };
  for (let round = -1; round < options.rounds; round++) {
    const load = round < 0 ? WARM_UP : LOAD;
    // Taken in turn, so that a machine that slows down slows all of them.
    const [a, b, c] = [await run(two, load), await run(four, load), await run(ours, load)];
    if (round < 0) continue;
    runs.two.push(a.perSecond);
    runs.four.push(b.perSecond);
    runs.ours.push(c.perSecond);
    last = c.latenciesMs;
  }
  const [mine, barest, wider] = [summariseRuns(runs.ours), summariseRuns(runs.two), summariseRuns(runs.four)];
  return {
    what: "GET one paragraph, role checked",
    ours: perSecond(mine.median),
    bare: `${perSecond(barest.median)} (pool 2), ${perSecond(wider.median)} (4)`,
    target: perSecond(TARGET_PER_SECOND),
    isMet: mine.median >= TARGET_PER_SECOND,
    notes: [
      `${options.rounds} runs from ${perSecond(mine.least)} to ${perSecond(mine.most)}; ${Math.round((100 * mine.median) / barest.median)} % of the bare loop with pool 2`,
      `${LOAD.connections} connections; p50 ${milliseconds(last.p50)}, p99 ${milliseconds(last.p99)} in the last run`,
    ],
  };
}

type Target = Pick<LoadPlan, "port" | "requests">;

function run(target: Target | undefined, load: typeof LOAD) {
  if (!target) throw new Error("no such server");
  return runLoad({ ...target, ...load }, 200);
}

function get(path: string, token: string): string {
  return toRequest({ method: "GET", path, token });
}

async function fillBare({ sql }: Bench["bare"], userIds: readonly string[]): Promise<string[]> {
  const projectId = randomUUID();
  const ids = Array.from({ length: PARAGRAPHS }, () => randomUUID());
  const rows = ids.map((id) => ({ id, project_id: projectId, author_id: userIds[0], content: CONTENT }));
  await sql`INSERT INTO paragraphs ${sql(rows)}`;
  await sql`INSERT INTO members ${sql(userIds.map((user_id) => ({ project_id: projectId, user_id, role: "owner" })))}`;
  await sql`ANALYZE`;
  return ids;
}
