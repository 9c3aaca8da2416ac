import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { newId } from "../ids/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import type { AuditEntry, AuditPosition, AuditRecord } from "./index.ts";
import { auditMigrations, createAudit } from "./index.ts";

let db: TestDatabase;
let audit: ReturnType<typeof createAudit>;
beforeAll(async () => {
  db = await openTestDatabase([auditMigrations]);
  audit = createAudit({ db, log: silentLogger, retentionDays: 365 });
});
afterAll(() => db.close());

const anEntry = (change: Partial<AuditEntry> = {}): AuditEntry => ({
  action: "collaborator.added",
  projectId: newId(),
  actorId: newId(),
  subject: newId(),
  address: "192.0.2.7",
  ...change,
});
const write = (entry: AuditEntry) => db.single((tx) => audit.record(tx, entry));
const actionsOf = (rows: readonly AuditRecord[]) => rows.map((row) => row.action);

test("[AUD-1] an entry holds who, what, when, from where, and is undone with its transaction", async () => {
  const entry = anEntry({ data: { role: "viewer" } });
  const { projectId } = entry;
  const before = Date.now();
  await write(entry);
  const undone = db.transaction(async (tx) => {
    await audit.record(tx, { ...entry, action: "collaborator.removed" });
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  const rows = await audit.list(db.sql, { of: { projectId: projectId ?? "" } }, { limit: 10 });
  expect(rows).toEqual([
    { ...entry, data: { role: "viewer" }, id: expect.any(String), at: expect.any(Date) },
  ]);
  // The database's clock is this machine's.
  expect(Math.abs((rows[0]?.at.getTime() ?? 0) - before)).toBeLessThan(60_000);
});

test("[AUD-2] pages give each entry once, newest first, also those of one millisecond", async () => {
  const projectId = newId();
  const at = new Date();
  const ids = Array.from({ length: 25 }, () => newId());
  for (const [n, id] of ids.entries()) {
    // Five a millisecond, and put in out of order.
    const when = new Date(at.getTime() + (Math.floor(n / 5) % 3));
    await db.sql`INSERT INTO audit_entries (at, id, action, project_id, subject, data)
      VALUES (${when}, ${id}, 'x.y', ${projectId}, '-', '{}')`;
  }
  const seen: AuditRecord[] = [];
  for (let before: AuditPosition | undefined; ; ) {
    const rows = await audit.list(db.sql, { of: { projectId } }, { before, limit: 4 });
    seen.push(...rows);
    const last = rows.at(-1);
    if (!last || rows.length < 4) break;
    before = [last.at.getTime(), last.id];
  }
  const keys = seen.map((row) => `${row.at.getTime()} ${row.id}`);
  expect(keys).toEqual([...keys].sort().reverse());
  expect(seen.map((row) => row.id).sort()).toEqual([...ids].sort());
});

test("[AUD-3] entries are found by action, actor and time, and never outside their project or account", async () => {
  const [projectId, ada, ben] = [newId(), newId(), newId()];
  await write(anEntry({ projectId, actorId: ada, action: "project.created" }));
  await write(anEntry({ projectId, actorId: ben, action: "access.denied" }));
  await write(anEntry({ actorId: ada, action: "of.another_project" }));
  await write(anEntry({ projectId: null, actorId: ada, subject: newId(), action: "by.account" }));
  await write(anEntry({ projectId: null, actorId: null, subject: ada, action: "on.account" }));
  await write(anEntry({ projectId: null, actorId: ben, subject: ben, action: "of.another_account" }));
  const list = async (filter: Parameters<typeof audit.list>[1]) =>
    actionsOf(await audit.list(db.sql, filter, { limit: 10 }));
  const of = { projectId };
  const now = Date.now();
  expect(await list({ of })).toEqual(["access.denied", "project.created"]);
  expect(await list({ of, action: "access.denied" })).toEqual(["access.denied"]);
  expect(await list({ of, actorId: ada })).toEqual(["project.created"]);
  expect(await list({ of, fromMs: now - 60_000, toMs: now + 60_000 })).toEqual([
    "access.denied",
    "project.created",
  ]);
  expect(await list({ of, toMs: now - 60_000 })).toEqual([]);
  expect(await list({ of, fromMs: now + 60_000 })).toEqual([]);
  expect(await list({ of: { accountId: ada } })).toEqual(["on.account", "by.account"]);
  expect(await list({ of: { projectId: ada } })).toEqual([]);
});

test("[AUD-4] nothing written is changed, on any day", async () => {
  const projectId = newId();
  await write(anEntry({ projectId }));
  await audit.start();
  await audit.stop();
  await write(anEntry({ projectId }));
  const days = await db.sql<{ name: string }>`
    SELECT DISTINCT tableoid::regclass::text AS name FROM audit_entries WHERE project_id = ${projectId}`;
  expect(days.map((day) => day.name)).not.toContain("audit_entries_default");
  for (const table of ["audit_entries", ...days.map((day) => day.name)]) {
    const change = db.sql.unsafe(`UPDATE ${table} SET actor_id = NULL WHERE project_id = '${projectId}'`);
    await expect(Promise.resolve(change)).rejects.toThrow("never changed");
  }
});

test("[AUD-5] a day is dropped when its time is over, and not a day before", async () => {
  const scratch = await openTestDatabase([auditMigrations]);
  const kept = createAudit({ db: scratch, log: silentLogger, retentionDays: 10 });
  const projectId = newId();
  for (const age of [0, 9, 10, 11, 12, 400]) {
    await scratch.sql`INSERT INTO audit_entries (at, id, action, project_id, subject, data)
      VALUES (date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - ${age}::int * interval '1 day' + interval '12 hours',
        ${newId()}, ${`aged.${age}`}, ${projectId}, '-', '{}')`;
  }
  await kept.start();
  await kept.stop();
  const rows = await kept.list(scratch.sql, { of: { projectId } }, { limit: 10 });
  expect(actionsOf(rows)).toEqual(["aged.0", "aged.9", "aged.10"]);
  await scratch.close();
});

test("[AUD-6] erasing takes a project's entries in parts, and no others", async () => {
  const [gone, other] = [newId(), newId()];
  for (let n = 0; n < 5; n++) await write(anEntry({ projectId: gone }));
  await write(anEntry({ projectId: other }));
  const erase = () => db.single((tx) => audit.erase(tx, gone, 2));
  expect([await erase(), await erase(), await erase(), await erase()]).toEqual([2, 2, 1, 0]);
  expect(await audit.list(db.sql, { of: { projectId: gone } }, { limit: 10 })).toEqual([]);
  expect((await audit.list(db.sql, { of: { projectId: other } }, { limit: 10 })).length).toBe(1);
});

test("[AUD-11] what is recorded beside a request is there when the server has stopped, and no flood fills memory", async () => {
  const own = createAudit({ db, log: silentLogger, retentionDays: 365 });
  const projectId = newId();
  for (let n = 0; n < 1_200; n++) own.recordLater(anEntry({ projectId, action: `access.denied_${n}` }));
  await own.stop();
  const rows = await audit.list(db.sql, { of: { projectId } }, { limit: 2_000 });
  expect(actionsOf(rows).toReversed()).toEqual(Array.from({ length: 1_000 }, (_, n) => `access.denied_${n}`));
});

test("[AUD-12] a long trail is read and erased window by window, and whole", async () => {
  const scratch = await openTestDatabase([auditMigrations]);
  const old = createAudit({ db: scratch, log: silentLogger, retentionDays: 365 });
  const [projectId, other] = [newId(), newId()];
  await scratch.sql`INSERT INTO audit_entries (at, id, action, project_id, subject, data)
    SELECT date_trunc('milliseconds', now() - n * interval '1 day'), gen_random_uuid(), 'aged.' || n, p.id, '-', '{}'
    FROM generate_series(0, 360, 9) n CROSS JOIN (VALUES (${projectId}::uuid), (${other}::uuid)) AS p (id)`;
  await old.start();
  await old.stop();
  const most = await scratch.transaction(async (tx) => {
    const rows = await old.list(tx, { of: { projectId } }, { limit: 10 });
    const [locks] = await tx<{
      n: number;
    }>`SELECT count(*)::int AS n FROM pg_locks WHERE pid = pg_backend_pid()`;
    return { rows: rows.length, locks: locks?.n ?? 0 };
  });
  expect(most.rows).toBe(10);
  // 41 days have a table; each has four indexes beside it.
  expect(most.locks).toBeLessThan(120);
  const all = await old.list(scratch.sql, { of: { projectId } }, { limit: 1_000 });
  expect(actionsOf(all)).toEqual(Array.from({ length: 41 }, (_, n) => `aged.${n * 9}`));
  const since = await old.list(
    scratch.sql,
    { of: { projectId }, fromMs: Date.now() - 100 * 86_400_000 },
    { limit: 99 },
  );
  expect(since.length).toBe(12);
  for (const [fromMs, toMs, count] of [
    [-6.2e13, 2.5e14, 41],
    [-6.2e13, -6.1e13, 0],
    [2.4e14, 2.5e14, 0],
  ] as const) {
    const rows = await old.list(scratch.sql, { of: { projectId }, fromMs, toMs }, { limit: 99 });
    expect([fromMs, toMs, rows.length]).toEqual([fromMs, toMs, count]);
  }
  for (const [atMs, count] of [
    [-8.64e15, 0],
    [0, 0],
    [1e14, 41],
  ] as const) {
    const rows = await old.list(scratch.sql, { of: { projectId } }, { before: [atMs, newId()], limit: 99 });
    expect([atMs, rows.length]).toEqual([atMs, count]);
  }
  let erased = 0;
  for (let rows = 1; rows > 0; erased += rows)
    rows = await scratch.single((tx) => old.erase(tx, projectId, 5));
  expect(erased).toBe(41);
  expect((await old.list(scratch.sql, { of: { projectId: other } }, { limit: 99 })).length).toBe(41);
  await scratch.close();
});
