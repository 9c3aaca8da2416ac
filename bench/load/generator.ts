// The load process: reads a plan from standard input, keeps every connection busy for its time, prints what came back.
import { converse } from "./connection.ts";
import type { LoadPlan, LoadResult } from "./plan.ts";

// The parent writes exactly one plan.
console.log(JSON.stringify(await carryOut(JSON.parse(await Bun.stdin.text()) as LoadPlan)));

async function carryOut(plan: LoadPlan): Promise<LoadResult> {
  const requests = plan.requests.map((text) => Buffer.from(text));
  const latenciesMs: number[] = [];
  const statuses: Record<number, number> = {};
  const startMs = performance.now();
  const endMs = startMs + plan.durationMs;
  const most = plan.isOnce ? requests.length : Number.POSITIVE_INFINITY;
  let sent = 0;

  const connections = Array.from({ length: plan.connections }, () =>
    converse(plan.port, {
      next: () => (performance.now() < endMs && sent < most ? requests[sent++ % requests.length] : undefined),
      onAnswer({ status, latencyMs }) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        latenciesMs.push(latencyMs);
      },
    }),
  );
  await Promise.all(connections);

  const seconds = (performance.now() - startMs) / 1000;
  return { seconds, statuses, latenciesMs: summarise(latenciesMs) };
}

function summarise(values: readonly number[]): LoadResult["latenciesMs"] {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
