import { afterAll, beforeAll, expect, test } from "bun:test";
import { kernelMigrations } from "../../kernel/create-kernel.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import { makeKey } from "../../testing/key-refusals.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { accountsMigrations, createAccounts } from "../accounts/index.ts";
import { createProjects, type Projects, projectsMigrations } from "./index.ts";

let db: TestDatabase;
let kernel: TestKernel;
let projects: Projects;
let ada: Person;
beforeAll(async () => {
  db = await openTestDatabase([...kernelMigrations, accountsMigrations, projectsMigrations]);
  await db.sql`CREATE TABLE notes (project_id uuid NOT NULL, n int NOT NULL)`;
  kernel = createTestKernel(db, { works: true, environment: { PROJECT_ERASE_AFTER_DAYS: "3" } });
  projects = createProjects(kernel, createAccounts(kernel));
  await kernel.start();
  ada = await signUp(kernel.http);
});
afterAll(async () => {
  await kernel.stop();
  await db.close();
});

const countNotes = async (projectId: string) =>
  (await db.sql<{ n: number }>`SELECT count(*)::int AS n FROM notes WHERE project_id = ${projectId}`)[0]?.n;

/** Makes the project's erasing due now. */
async function hurry(projectId: string): Promise<void> {
  await db.sql`UPDATE jobs SET run_at = now() WHERE task = 'projects.erase' AND input->>'project_id' = ${projectId}`;
  kernel.jobs.wake("low");
}

async function resultOf(projectId: string): Promise<unknown> {
  const [row] = await db.sql<{ result: unknown }>`
    SELECT result FROM finished_jobs WHERE task = 'projects.erase' AND input->>'project_id' = ${projectId}`;
  return row?.result;
}

async function createFull(notes: number): Promise<string> {
  const id = await createProject(ada);
  await db.sql`INSERT INTO notes SELECT ${id}::uuid, n FROM generate_series(1, ${notes}::int) AS n`;
  return id;
}

test("[PRJ-8] what a deleted project held is erased in every module, in batches, after the days set", async () => {
  const batches: number[] = [];
  projects.onErase({
    module: "notes",
    async erase(tx, projectId, limit) {
      const rows = await tx`DELETE FROM notes WHERE ctid IN (
        SELECT ctid FROM notes WHERE project_id = ${projectId} LIMIT ${limit}::int) RETURNING 1`;
      batches.push(rows.length);
      return rows.length;
    },
  });
  const [doomed, kept] = [await createFull(12_000), await createFull(10)];
  const ben = await signUp(kernel.http);
  await share(ada, doomed, ben, "viewer");
  await makeKey(ada, doomed, ["read"]);
  await makeKey(ada, kept, ["read"]);
  await ada.call("DELETE", `/projects/${doomed}`);

  const [job] = await db.sql<{ days: number }>`
    SELECT extract(epoch FROM run_at - now()) / 86400 AS days FROM jobs WHERE task = 'projects.erase'`;
  expect(Number(job?.days)).toBeCloseTo(3, 2);
  expect(await countNotes(doomed)).toBe(12_000);

  await hurry(doomed);
  const result = await until("the erasing", () => resultOf(doomed));
  expect(result).toEqual({ erased: true });
  expect([await countNotes(doomed), await countNotes(kept)]).toEqual([0, 10]);
  expect(batches).toEqual([5_000, 5_000, 2_000, 0]);
  expect(await db.sql`SELECT FROM projects WHERE id = ${doomed}`).toHaveLength(0);
  expect(await db.sql`SELECT FROM project_members WHERE project_id = ${doomed}`).toHaveLength(0);
  for (const table of ["audit_entries", "api_keys"]) {
    const left = await db.sql.unsafe<{ project_id: string }>(
      `SELECT DISTINCT project_id FROM ${table} WHERE project_id = ANY ($1::uuid[])`,
      [`{${doomed},${kept}}`],
    );
    expect([table, left.map((row) => row.project_id)]).toEqual([table, [kept]]);
  }
  const { items, seq } = await kernel.events.history(db.sql, doomed, 0, 100);
  expect({ items, seq }).toEqual({ items: [], seq: 0 });
  expect((await kernel.events.history(db.sql, kept, 0, 100)).seq).toBe(1);
  expect((await ada.call("GET", `/projects/${kept}`)).status).toBe(200);
});

test("[PRJ-8] a project whose deletion was taken back by hand is not erased", async () => {
  const id = await createFull(10);
  await ada.call("DELETE", `/projects/${id}`);
  await db.sql`UPDATE projects SET deleted_at = NULL WHERE id = ${id}`;
  await hurry(id);
  expect(await until("the end of the job", () => resultOf(id))).toEqual({ erased: false });
  expect(await countNotes(id)).toBe(10);
  expect((await ada.call("GET", `/projects/${id}`)).status).toBe(200);
});
