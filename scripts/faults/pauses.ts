// Workers that are away for longer than their lease and come back: stopped, or cut off from the database.
import { until } from "../../src/testing/until.ts";
import { openCuttable } from "./cuttable.ts";
import type { Scene } from "./scene.ts";

/** All that may be told of a job that has ended. */
async function booksOf({ db }: Scene): Promise<string> {
  const rows = await db.sql`
    SELECT f.*, (SELECT count(*)::int FROM runs r WHERE r.job_id = f.id AND r.what = 'done') AS effects,
      (SELECT count(*)::int FROM events e WHERE e.subject = f.id::text) AS events
    FROM finished_jobs f ORDER BY f.id`;
  return JSON.stringify(rows);
}

async function isListed({ db }: Scene, workerId: string): Promise<boolean> {
  const rows = await db.sql`SELECT 1 FROM job_workers WHERE id = ${workerId}`;
  return rows.length === 1;
}

/** Jobs that will write late, and one that holds its fence in a statement while its worker is paused. */
async function submitHeld(scene: Scene): Promise<string[]> {
  return [
    await scene.submit({ isLate: true }),
    await scene.submit({ isLate: true, isSeparate: true }),
    await scene.submit({ way: "busy", times: 1 }),
  ];
}

async function comeBack(scene: Scene, workerId: string, resume: () => void): Promise<void> {
  const before = await booksOf(scene);
  await scene.db.sql`INSERT INTO runs (what) VALUES ('return')`;
  resume();
  await until("the worker's return", () => isListed(scene, workerId), { withinMs: 60_000 });
  const isRefused = async () => {
    const rows = await scene.db.sql`SELECT DISTINCT job_id FROM runs WHERE what = 'refused' AND attempt = 1`;
    return rows.length === 2;
  };
  await until("the late writes to be refused", isRefused, { withinMs: 60_000 });
  if ((await booksOf(scene)) !== before) throw new Error("a late worker has changed what had ended");
  for (let n = 0; n < 20; n++) await scene.submit({ ms: 20 });
  await scene.account();
}

export async function stopBeyondTheLease(scene: Scene): Promise<void> {
  const one = await scene.spawn();
  for (const id of await submitHeld(scene)) await scene.began(id);
  await scene.spawn();
  one.signal("SIGSTOP");
  await scene.account();
  if (await isListed(scene, one.workerId)) throw new Error("a stopped worker counts as alive");
  await comeBack(scene, one.workerId, () => one.signal("SIGCONT"));
}

/** The worker lives, and beats into the void. */
export async function cutOffBeyondTheLease(scene: Scene): Promise<void> {
  const cuttable = await openCuttable(scene.db.socketDir);
  try {
    const one = await scene.spawn({ socketDir: cuttable.directory });
    for (const id of await submitHeld(scene)) await scene.began(id);
    await scene.spawn();
    cuttable.cut();
    await scene.account();
    await comeBack(scene, one.workerId, cuttable.mend);
  } finally {
    await cuttable.close();
  }
}
