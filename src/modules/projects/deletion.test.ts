import { afterAll, beforeAll, expect, test } from "bun:test";
import { listEvents } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { openStage, type Stage } from "./testing/stage.ts";

let stage: Stage;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  stage = await openStage({ environment: { PROJECT_ERASE_AFTER_DAYS: "5" } });
  [ada, ben] = [await signUp(stage), await signUp(stage)];
});
afterAll(() => stage.stop());

const listDeleted = async (person: Person) =>
  (await person.call("GET", "/projects?deleted=true")).body.items as { id: string; deletes_at: string }[];

const restore = (person: Person, id: string) => person.call("POST", `/projects/${id}/restore`);

/** Runs the erasing of the first deletion of a project that has not run, and returns what came of it. */
async function runErasing(projectId: string): Promise<unknown> {
  const [job] = await stage.db.sql<{ id: string }>`
    UPDATE jobs SET run_at = now() WHERE id = (
      SELECT id FROM jobs WHERE task = 'projects.erase' AND input->>'project_id' = ${projectId} ORDER BY id LIMIT 1)
    RETURNING id`;
  stage.kernel.jobs.wake("low");
  return until("the erasing", async () => {
    const [row] = await stage.db.sql<{
      result: unknown;
    }>`SELECT result FROM finished_jobs WHERE id = ${job?.id}`;
    return row?.result;
  });
}

test("[PRJ-29] a deleted project is listed and restored by its owner as it was", async () => {
  const id = await createProject(ada);
  await share(ada, id, ben, "viewer");
  const before = (await ada.call("GET", `/projects/${id}`)).body;
  expect(await listDeleted(ada)).toEqual([]);
  await ada.call("DELETE", `/projects/${id}`);
  const [deleted] = await listDeleted(ada);
  expect(deleted?.id).toBe(id);
  const days = (Date.parse(String(deleted?.deletes_at)) - Date.now()) / 86_400_000;
  expect(days).toBeCloseTo(5, 2);
  expect(await listDeleted(ben)).toEqual([]);
  expect((await restore(ben, id)).body.code).toBe("PROJECT_NOT_FOUND");
  expect((await ada.call("GET", "/projects")).body.items).not.toContainEqual(expect.objectContaining({ id }));

  const restored = await restore(ada, id);
  expect([restored.status, restored.body]).toEqual([
    200,
    { ...before, updated_at: expect.any(String), deletes_at: null },
  ]);
  expect((await restore(ada, id)).body).toEqual(restored.body);
  expect((await restore(ben, id)).body.code).toBe("PROJECT_FORBIDDEN");
  expect((await ben.call("GET", `/projects/${id}`)).body.role).toBe("viewer");
  expect(await listDeleted(ada)).toEqual([]);
  const log = await listEvents(stage.db.sql, id);
  expect(log.map(({ seq, event }) => [seq, event])).toEqual([
    [1, "project.created"],
    [2, "collaborator.added"],
    [3, "project.deleted"],
    [4, "project.restored"],
  ]);
});

test("[PRJ-29] the deleted ones are listed page by page; after their days they are not", async () => {
  const owner = await signUp(stage);
  const ids = [await createProject(owner), await createProject(owner), await createProject(owner)];
  for (const id of ids) await owner.call("DELETE", `/projects/${id}`);
  const first = (await owner.call("GET", "/projects?deleted=true&limit=2")).body;
  const rest = (await owner.call("GET", `/projects?deleted=true&limit=2&cursor=${first.next_cursor}`)).body;
  const items = [...(first.items as { id: string }[]), ...(rest.items as { id: string }[])];
  expect(items.map(({ id }) => id)).toEqual(ids.toReversed());
  await stage.db.sql`UPDATE projects SET deletes_at = now() WHERE id = ${ids[0]}`;
  expect((await listDeleted(owner)).map(({ id }) => id)).toEqual(ids.slice(1).toReversed());
  expect((await restore(owner, String(ids[0]))).body.code).toBe("PROJECT_NOT_FOUND");
});

test("[PRJ-30] the job of a deletion that was taken back does not end a later one early", async () => {
  const id = await createProject(ada);
  await ada.call("DELETE", `/projects/${id}`);
  await restore(ada, id);
  await ada.call("DELETE", `/projects/${id}`);
  expect(await runErasing(id)).toEqual({ erased: false });
  expect((await restore(ada, id)).status).toBe(200);
  expect(await runErasing(id)).toEqual({ erased: false });
  expect((await ada.call("GET", `/projects/${id}`)).status).toBe(200);
});

test("[PRJ-30] once the erasing has begun there is no way back", async () => {
  const id = await createProject(ada);
  let during: unknown[] = [];
  let calls = 0;
  stage.projects.onErase({
    module: "witness",
    async erase(_tx, projectId) {
      if (projectId !== id || calls++ > 0) return 0;
      during = [(await restore(ada, id)).body.code, (await listDeleted(ada)).map((one) => one.id)];
      return 1;
    },
  });
  await ada.call("DELETE", `/projects/${id}`);
  expect(await runErasing(id)).toEqual({ erased: true });
  expect(during).toEqual(["PROJECT_NOT_FOUND", []]);
  expect((await restore(ada, id)).body.code).toBe("PROJECT_NOT_FOUND");
});

test("[PRJ-30] a project that was deleted before deletions could be taken back is erased by its old job", async () => {
  const id = await createProject(ada);
  await ada.call("DELETE", `/projects/${id}`);
  await stage.db.sql`UPDATE projects SET deletion_id = NULL WHERE id = ${id}`;
  await stage.db.sql`UPDATE jobs SET input = input - 'deletion_id' WHERE input->>'project_id' = ${id}`;
  expect(await runErasing(id)).toEqual({ erased: true });
  expect(await stage.db.sql`SELECT FROM projects WHERE id = ${id}`).toHaveLength(0);
});
