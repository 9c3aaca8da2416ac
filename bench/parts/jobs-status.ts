// Reading how a job stands, through the API, where a million have finished.
import { openApi } from "../api.ts";
import { type Bench, say } from "../bench.ts";
import { fillFinished, openProduct } from "../jobs/product.ts";
import { runLoad, toRequest } from "../load/plan.ts";
import { untilAtRest } from "../processor-time.ts";
import { milliseconds, perSecond } from "../statistics.ts";
import type { Row } from "../table.ts";

const FINISHED = 1_000_000;
const TARGET_P99_MS = 5;
const ASKED = 5_000;
/** One connection: what is measured is how long one answer takes, not how many there are. */
const ONE = { connections: 1, durationMs: 8_000 };
const MANY = { connections: 32, durationMs: 4_000 };

export async function jobsStatus({ stoa }: Bench): Promise<Row> {
  say(`jobs: status, with ${FINISHED.toLocaleString("en")} finished`);
  const { port } = stoa;
  const api = await openApi(port);
  const projectId = await api.createProject("bench status");
  await using product = await openProduct(stoa.dataDir);
  const plan = { count: FINISHED, projectId, userId: api.userId, sample: ASKED };
  const ids = await fillFinished(product, plan);
  await untilAtRest();
  const requests = ids.map((id) =>
    toRequest({ method: "GET", path: `/api/v1/jobs/${id}`, token: api.token }),
  );
  const first = await runLoad({ port, requests, ...ONE, isOnce: true, durationMs: 60_000 }, 200);
  const again = await runLoad({ port, requests, ...ONE }, 200);
  const many = await runLoad({ port, requests, ...MANY }, 200);
  return {
    what: `job status, ${FINISHED.toLocaleString("en")} finished, p99`,
    ours: milliseconds(first.latenciesMs.p99),
    bare: "",
    target: `< ${milliseconds(TARGET_P99_MS)}`,
    isMet: first.latenciesMs.p99 < TARGET_P99_MS,
    notes: [
      `${ASKED.toLocaleString("en")} of them, drawn from ten days, each once: p50 ${milliseconds(first.latenciesMs.p50)}, longest ${milliseconds(first.latenciesMs.max)}; again and again: p99 ${milliseconds(again.latenciesMs.p99)}; over HTTP, one at a time`,
      `${MANY.connections} connections at once: ${perSecond(many.perSecond)}, p99 ${milliseconds(many.latenciesMs.p99)}`,
    ],
  };
}
