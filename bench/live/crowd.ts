// The crowd's process: opens the connections of a plan, writes, counts what arrives and how late, prints it.
import { openListener } from "./listener.ts";
import type { Crowd, LivePlan, LiveResult } from "./plan.ts";

/** One connection in so many looks at the time of its events. */
const SAMPLED = 20;
/** Connections under way at once: more would overrun the listening queue. */
const OPENING = 200;
const MARK = "@".charCodeAt(0);
const SETTLE_MS = 300;
const GIVE_UP_MS = 10_000;

// The parent writes exactly one plan.
const plan = JSON.parse(await Bun.stdin.text()) as LivePlan;
process.stdout.write(JSON.stringify(await carryOut(plan)));
// The connections stand meanwhile.
await Bun.sleep(plan.restMs ?? 0);
process.exit(0);

async function carryOut(plan: LivePlan): Promise<LiveResult> {
  const now = () => performance.timeOrigin + performance.now();
  const counts = { deliveries: 0, ended: 0, bytes: 0, frames: 0 };
  const latenciesMs: number[] = [];

  async function gather(crowd: Crowd, onEvent: (index: number, frame: Buffer) => void): Promise<void> {
    const { port, token, dialect = "stoa" } = plan;
    let opened = 0;
    const openNext = async (): Promise<void> => {
      while (opened < crowd.count) {
        const index = opened++;
        const projectId = crowd.projectIds[index % Math.max(1, crowd.projectIds.length)];
        await new Promise<void>((resolve, reject) => {
          openListener(
            {
              dialect,
              port,
              token,
              ...(projectId ? { projectId } : {}),
              ...(crowd.since ? { since: crowd.since } : {}),
            },
            { onReady: resolve, onEvent: (frame) => onEvent(index, frame), onEnd: () => counts.ended++ },
          ).catch(reject);
        });
      }
    };
    await Promise.all(Array.from({ length: Math.min(OPENING, crowd.count) }, openNext));
  }

  function hear(index: number, frame: Buffer): void {
    counts.deliveries++;
    if (index % SAMPLED > 0) return;
    counts.frames++;
    counts.bytes += frame.length;
    const start = frame.indexOf(MARK);
    const end = frame.indexOf(MARK, start + 1);
    if (start > 0 && end > 0) latenciesMs.push(now() - Number(frame.toString("latin1", start + 1, end)));
  }

  async function write(number: number): Promise<void> {
    const projectId = plan.writeTo[number % plan.writeTo.length];
    const answer = await fetch(`http://127.0.0.1:${plan.port}/api/v1/projects/${projectId}`, {
      method: "PATCH",
      headers: { Authorization: `Bearer ${plan.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ name: `@${now().toFixed(2)}@${number}` }),
    });
    await answer.arrayBuffer();
    // Too busy, and nothing was done.
    if (answer.status === 503) return write(number);
    if (answer.status !== 200) throw new Error(`a write was answered with ${answer.status}`);
  }

  /** At a fixed pace whatever the answers take, or each writer after its answer. */
  async function writeAll(endMs: number): Promise<number> {
    if (plan.writeTo.length === 0) {
      await Bun.sleep(plan.durationMs);
      return 0;
    }
    let written = 0;
    const { writesPerSecond } = plan;
    if (writesPerSecond === undefined) {
      const writer = async () => {
        while (performance.now() < endMs) await write(written++);
      };
      await Promise.all(Array.from({ length: plan.writers }, writer));
      return written;
    }
    const startMs = performance.now();
    const open: Promise<void>[] = [];
    while (performance.now() < endMs) {
      const due = ((performance.now() - startMs) / 1000) * writesPerSecond;
      while (written < due) open.push(write(written++));
      await Bun.sleep(1);
    }
    await Promise.all(open);
    return written;
  }

  async function comeBack(returning: NonNullable<LivePlan["returning"]>): Promise<number> {
    const startMs = performance.now();
    let left = returning.count;
    const done = Promise.withResolvers<void>();
    const seen = new Uint32Array(returning.count);
    const gathering = gather(returning, (index) => {
      seen[index] = (seen[index] ?? 0) + 1;
      if (seen[index] === returning.events && --left === 0) done.resolve();
    });
    await Promise.all([gathering, done.promise]);
    return performance.now() - startMs;
  }

  const startedMs = performance.now();
  await gather(plan.crowd, hear);
  const connectedMs = performance.now() - startedMs;
  await Bun.sleep(SETTLE_MS);
  counts.deliveries = 0;
  const writingMs = performance.now();
  const [written, returnedMs] = await Promise.all([
    writeAll(writingMs + plan.durationMs),
    plan.returning ? comeBack(plan.returning) : 0,
  ]);
  const expected = plan.crowd.projectIds.length > 0 ? (written * plan.crowd.count) / plan.writeTo.length : 0;
  // A server that is behind may catch up; one that has sent nothing for so long has lost something.
  let [seen, seenMs] = [counts.deliveries, performance.now()];
  while (counts.deliveries < expected && performance.now() - seenMs < GIVE_UP_MS) {
    await Bun.sleep(1);
    if (counts.deliveries > seen) [seen, seenMs] = [counts.deliveries, performance.now()];
  }
  const seconds = (performance.now() - writingMs) / 1000;
  const sorted = Float64Array.from(latenciesMs).sort();
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    connectedMs,
    written,
    seconds,
    deliveries: counts.deliveries,
    latenciesMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
    frameBytes: counts.bytes / counts.frames,
    ended: counts.ended,
    returnedMs,
  };
}
