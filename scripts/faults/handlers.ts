// Handlers that misbehave, a clock that jumps, and two workers that want the same.
import { AGAIN_MS } from "../../src/kernel/jobs/testing/fault-task.ts";
import type { Expected } from "./checker.ts";
import type { Scene } from "./scene.ts";

/** Whoever stood beside four deaths is given up as their cause. */
const INTERRUPTED = "JOB_INTERRUPTED";
const fails = (...errorCodes: readonly string[]): Expected => ({
  ends: ["failed"],
  errorCodes,
  effects: [0, 0],
});
const BESIDE: Expected = { ends: ["succeeded", "failed"], errorCodes: [INTERRUPTED], effects: [1, 1] };

/** Each beside good ones, which must not suffer more than being run again. */
export async function misbehave(scene: Scene): Promise<void> {
  const timeoutMs = 1000;
  await scene.supervise(2, { concurrency: 2 });
  await scene.submit({ way: "blocks" }, fails(INTERRUPTED), { timeoutMs });
  await scene.submit({ way: "exits" }, fails(INTERRUPTED));
  await scene.submit({ way: "exits", times: 2 }, BESIDE);
  await scene.submit({ way: "hangs" }, fails("JOB_TIMED_OUT", INTERRUPTED), { timeoutMs });
  await scene.submit({ way: "hangs", times: 1 }, BESIDE, { timeoutMs });
  await scene.submit({ way: "throws no error" }, fails("JOB_FAILED", INTERRUPTED));
  await scene.submit({ way: "throws no error", times: 3 }, BESIDE);
  await scene.submit({ way: "puts off", times: 6 }, BESIDE);
  for (let n = 0; n < 40; n++) await scene.submit({ ms: 30 }, BESIDE);
  await scene.account(100_000);
}

const DAY_MS = 86_400_000;

/** A day forth and a day back, again and again, on one host of two: nothing is early, late, lost or done twice. */
export async function jumpClock(scene: Scene): Promise<void> {
  const one = await scene.spawn({ clockJumpMs: DAY_MS });
  await scene.spawn();
  const jumps = setInterval(() => one.signal("SIGUSR2"), 300);
  try {
    const soon = new Date(Date.now() + 3000);
    const delayed = await scene.submit({}, undefined, { runAt: soon });
    const again = await Promise.all([
      scene.submit({ way: "fails", times: 2 }),
      scene.submit({ way: "puts off", times: 2 }),
    ]);
    await scene.submit({ way: "hangs", times: 1 }, undefined, { timeoutMs: 1500 });
    for (let n = 0; n < 60; n++) await scene.submit({ ms: 50 });
    // Longer than a lease: nobody takes the other for dead.
    const long = await scene.submit({ ms: 9000 });
    await scene.account();
    const { at } = await scene.began(delayed);
    if (at < soon) throw new Error("a delayed job was early");
    if (at.getTime() - soon.getTime() > 5000) throw new Error("a delayed job was late");
    for (const id of again) {
      const gapMs = (await scene.began(id, 2)).at.getTime() - (await scene.began(id, 1)).at.getTime();
      if (gapMs < AGAIN_MS || gapMs > AGAIN_MS + 5000) throw new Error(`tried again after ${gapMs} ms`);
    }
    const [row] = await scene.db.sql<{ count: number }>`
      SELECT count(*)::int AS count FROM runs WHERE job_id = ${long} AND what = 'began'`;
    if (row?.count !== 1) throw new Error("a job that was in good hands was run again");
  } finally {
    clearInterval(jumps);
  }
}

const RACE_JOBS = 10_000;

/** Nobody dies here, so nothing has a reason to be done twice. */
export async function race(scene: Scene): Promise<void> {
  await scene.submitMany(RACE_JOBS, { isBrief: true });
  const workers = await Promise.all([scene.spawn({ concurrency: 32 }), scene.spawn({ concurrency: 32 })]);
  await scene.account(150_000);
  const rows = await scene.db.sql<{ pid: number; count: number; first: number }>`
    SELECT pid, count(*)::int AS count, count(*) FILTER (WHERE attempt = 1)::int AS first FROM runs GROUP BY pid`;
  const began = rows.reduce((sum, { count }) => sum + count, 0);
  if (began !== RACE_JOBS || rows.some(({ count, first }) => count !== first)) {
    const reasons = await scene.db
      .sql`SELECT DISTINCT errors FROM finished_jobs WHERE errors <> '[]' LIMIT 3`;
    throw new Error(`${RACE_JOBS} jobs were done ${began} times: ${JSON.stringify(reasons)}`);
  }
  if (rows.length !== workers.length) throw new Error("one of the two did it all");
}
