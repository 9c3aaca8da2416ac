// Worker processes that are killed: one of two, and each at a step of the protocol of its own.
import { type FaultInput, STEPS } from "../../src/kernel/jobs/testing/fault-task.ts";
import type { Scene } from "./scene.ts";

const RESCUE_MS = 15_000;

/** Nobody hands the dead one's jobs on: the other finds them by the beat that is missed. */
export async function killOneOfTwo(scene: Scene): Promise<void> {
  const one = await scene.spawn({ concurrency: 8 });
  const ids: string[] = [];
  for (let n = 0; n < 30; n++) {
    // An end that the engine writes may follow an effect that is written already: then it is written again.
    const isSeparate = n % 2 === 0;
    const input: FaultInput = n < 8 ? { way: "hangs", times: 1, isSeparate } : { ms: 20, isSeparate };
    ids.push(await scene.submit(input, { ends: ["succeeded"], effects: [1, isSeparate ? 2 : 1] }));
  }
  const first = ids.slice(0, 8);
  for (const id of first) await scene.began(id);
  const two = await scene.spawn({ concurrency: 8 });
  one.signal("SIGKILL");
  const killedAtMs = Date.now();
  await scene.account();
  for (const id of first) {
    const { at, pid } = await scene.began(id, 2);
    if (pid !== two.pid) throw new Error("a job was run again by nobody we know");
    if (at.getTime() - killedAtMs > RESCUE_MS)
      throw new Error(`${id} was run again after ${RESCUE_MS} ms only`);
  }
}

/** A worker does one job at a time, so that each dies for itself. */
export async function killAtEachStep(scene: Scene): Promise<void> {
  for (const diesAt of STEPS) {
    for (const isSeparate of [false, true]) {
      const isWithEnd = diesAt === "finishing";
      const isBeforeEnd = diesAt === "written";
      // These steps are there in one of the two ways only.
      if ((isWithEnd && isSeparate) || (isBeforeEnd && !isSeparate)) continue;
      for (const deaths of [1, 2]) {
        const input: FaultInput = { ms: 4, diesAt, deaths, isSeparate };
        // The engine writes the end after the effect: who dies in between, also by the next job's hand, does it again.
        await scene.submit(input, { ends: ["succeeded"], effects: [1, isSeparate ? 4 : 1] });
      }
    }
  }
  await scene.supervise(2, { concurrency: 1 });
  await scene.account(100_000);
}

/** At random: whoever dies, stops, is cut off or cancelled, the books balance. */
export async function storm(scene: Scene): Promise<void> {
  const { random, db } = scene;
  await scene.supervise(2, { concurrency: 6 });
  const stopped = await scene.spawn({ concurrency: 6 });
  const ids: string[] = [];
  let isFrozen = false;
  for (let n = 0; n < 400; n++) {
    const kind = random.next();
    const input: FaultInput =
      kind < 0.02
        ? { diesAt: random.pick(["claimed", "working", "finishing", "ended"]) }
        : kind < 0.1
          ? { way: "fails", times: random.pick([1, 2]) }
          : kind < 0.15
            ? { way: "puts off", times: random.pick([1, 3]) }
            : { ms: random.between(0, 150) };
    // Whoever runs beside a process that dies is interrupted, too: four times are too many.
    const priority = random.pick(["urgent", "high", "normal", "low"] as const);
    const expected = {
      ends: ["succeeded", "failed"],
      errorCode: "JOB_INTERRUPTED",
      effects: [1, 1],
    } as const;
    const key = random.next() < 0.2 ? { uniqueKey: random.pick(["a", "b", "c"]) } : {};
    ids.push(await scene.submit(input, expected, { priority, ...key }));
    if (random.next() < 0.08) await scene.cancel(random.pick(ids));
    if (random.next() < 0.01) {
      await db.sql`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name <> 'test' AND random() < 0.5`;
    }
    if (n === 150) {
      stopped.signal("SIGSTOP");
      isFrozen = true;
    }
  }
  if (isFrozen) setTimeout(() => stopped.signal("SIGCONT"), random.between(2_000, 14_000));
  await scene.account(90_000);
  await neverTogether(scene);
}

/** Attempts that have written, of jobs of one key: no other began between their beginning and that. */
async function neverTogether({ db }: Scene): Promise<void> {
  const rows = await db.sql`
    WITH wrote AS (
      SELECT f.unique_key, b.job_id, b.at AS began_at, d.at AS ended_at
      FROM runs b JOIN runs d ON d.job_id = b.job_id AND d.attempt = b.attempt AND d.what = 'done'
      JOIN finished_jobs f ON f.id = b.job_id
      WHERE b.what = 'began' AND f.unique_key IS NOT NULL)
    SELECT 1 FROM wrote w JOIN wrote o ON o.unique_key = w.unique_key AND o.job_id <> w.job_id
      AND o.began_at BETWEEN w.began_at AND w.ended_at LIMIT 1`;
  if (rows.length > 0) throw new Error("two jobs of one key ran at the same time");
}
