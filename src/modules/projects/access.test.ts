import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { accessColumn, findAccess, parseAccess } from "./access.ts";
import { projectsMigrations } from "./index.ts";
import { insertCollaborator } from "./store/collaborators.ts";
import { insertProject, markDeleted, updateProject } from "./store/projects.ts";

const [owner, collaborator, viewer, stranger] = [1, 2, 3, 4].map(
  (n) => `00000000-0000-7000-8000-00000000000${n}`,
) as [string, string, string, string];
const [active, archived, deleted] = [5, 6, 7].map((n) => `00000000-0000-7000-8000-00000000000${n}`) as [
  string,
  string,
  string,
];

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([projectsMigrations]);
  await db.transaction(async (tx) => {
    for (const id of [active, archived, deleted]) {
      const project = await insertProject(tx, { id, ownerId: owner, name: "Agora", description: null });
      const by = { invitedBy: owner };
      await insertCollaborator(tx, id, { userId: collaborator, role: "collaborator", ...by });
      await insertCollaborator(tx, id, { userId: viewer, role: "viewer", ...by });
      if (id === archived) await updateProject(tx, { ...project, status: "archived" });
      if (id === deleted) await markDeleted(tx, id, { id, graceDays: 1 });
    }
  });
});
afterAll(() => db.close());

const cases = () =>
  [
    [active, owner, { role: "owner", isArchived: false }],
    [active, collaborator, { role: "collaborator", isArchived: false }],
    [active, viewer, { role: "viewer", isArchived: false }],
    [active, stranger, undefined],
    [archived, owner, { role: "owner", isArchived: true }],
    [archived, collaborator, { role: "collaborator", isArchived: true }],
    [archived, viewer, { role: "viewer", isArchived: true }],
    [archived, stranger, undefined],
    [deleted, owner, undefined],
    [deleted, viewer, undefined],
    ["00000000-0000-7000-8000-0000000000ff", owner, undefined],
  ] as const;

test("[PRJ-10] access is asked in one round trip", async () => {
  for (const [projectId, userId, access] of cases()) {
    expect([projectId, userId, await findAccess(db.sql, projectId, userId)]).toEqual([
      projectId,
      userId,
      access,
    ]);
  }
});

test("[PRJ-10] access is a column of another statement, on connections and in transactions", async () => {
  const ask = async (sql: TestDatabase["sql"], projectId: string, userId: string) => {
    const [row] = await sql<{ access: string | null; n: number }>`
      SELECT ${accessColumn(sql, sql`t.project_id`, userId)} AS access, t.n
      FROM (VALUES (${projectId}::uuid, ${7}::int)) AS t (project_id, n)`;
    expect(row?.n).toBe(7);
    return parseAccess(row?.access ?? null);
  };
  for (const [projectId, userId, access] of cases()) {
    expect(await ask(db.sql, projectId, userId)).toEqual(access);
    expect(await db.transaction((tx) => ask(tx, projectId, userId))).toEqual(access);
  }
});

test("[PRJ-1] access to one's personal project needs no question", async () => {
  const access = await findAccess(db.sql, stranger, stranger);
  expect(access).toEqual({ role: "owner", isArchived: false });
});

test("[PRJ-10] a nested column does not keep a statement from being prepared once", async () => {
  // One connection, since prepared statements are its own.
  await db.transaction(async (tx) => {
    for (const [projectId, userId] of cases()) {
      await tx`SELECT ${accessColumn(tx, projectId, userId)} AS access /* nested */`;
    }
    const rows = await tx`
      SELECT FROM pg_prepared_statements WHERE statement LIKE '%/* nested */' AND statement NOT LIKE '%LIKE%'`;
    expect(rows.length).toBe(1);
  });
});
