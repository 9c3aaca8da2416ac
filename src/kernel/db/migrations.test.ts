import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { type MigrationSet, migrate, openDatabase } from "./index.ts";

let db: TestDatabase;
let sets: MigrationSet[];
const opened: TestDatabase[] = [];
const directories: string[] = [];

beforeEach(async () => {
  db = await openTestDatabase();
  opened.push(db);
  sets = [];
  for (const module of ["first", "second"]) {
    const directory = await mkdtemp(join(tmpdir(), "stoa-migrations-"));
    directories.push(directory);
    sets.push({ module, directory });
  }
  await put("first", "0001_log.sql", "CREATE TABLE log (n int GENERATED ALWAYS AS IDENTITY, name text)");
});
afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  for (const directory of directories) await rm(directory, { recursive: true });
});

async function put(module: string, file: string, text: string): Promise<void> {
  await writeFile(join(sets.find((set) => set.module === module)?.directory ?? "", file), text);
}

const note = (name: string) => `INSERT INTO log (name) VALUES ('${name}')`;
const noted = async () =>
  (await db.sql<{ name: string }>`SELECT name FROM log ORDER BY n`).map((row) => row.name);

test("[DB-10] what is missing is applied, module by module and by number; other files are no migrations", async () => {
  await put("second", "0002_b.sql", `${note("second b")}; ${note("and more")}`);
  await put("second", "0001_a.sql", note("second a"));
  await put("first", "0010_c.sql", note("first c"));
  await put("first", "README.md", "not SQL");
  expect(await migrate(db, sets)).toEqual([
    "first/0001_log",
    "first/0010_c",
    "second/0001_a",
    "second/0002_b",
  ]);
  expect(await noted()).toEqual(["first c", "second a", "second b", "and more"]);

  await put("first", "0011_d.sql", note("first d"));
  expect(await migrate(db, sets)).toEqual(["first/0011_d"]);
  expect(await migrate(db, sets)).toEqual([]);
  expect(await noted()).toEqual(["first c", "second a", "second b", "and more", "first d"]);
});

test("[DB-10] of several processes at once one applies and the others find nothing to do", async () => {
  await put("second", "0001_slow.sql", `SELECT pg_sleep(0.1); ${note("once")}`);
  const others = Array.from({ length: 4 }, () => openAgain(db));
  opened.push(...others);
  const applied = await Promise.all(others.map((each) => migrate(each, sets)));
  expect(applied.map((names) => names.length).sort()).toEqual([0, 0, 0, 2]);
  expect(await noted()).toEqual(["once"]);
});

test("[DB-11] a file changed after it was applied is named, and nothing else of that start is applied", async () => {
  await put("first", "0002_note.sql", note("as it was"));
  await migrate(db, sets);
  await put("first", "0002_note.sql", note("as it is"));
  await put("first", "0003_new.sql", note("new"));
  expect(migrate(db, sets)).rejects.toThrow(
    "Migration first/0002_note was changed after it was applied: restore the file and add a new one.",
  );
  await migrate(db, sets).catch(() => {});
  expect(await noted()).toEqual(["as it was"]);
});

test("[DB-12] a database with a migration that we lack is refused", async () => {
  await put("second", "0001_from_tomorrow.sql", note("tomorrow"));
  await migrate(db, sets);
  const older = sets.slice(0, 1);
  const sentence =
    "The database has the migration second/0001_from_tomorrow, which this version lacks: run the newer version of Stoa.";
  expect(await migrate(db, older).catch((error: Error) => error.message)).toBe(sentence);
});

test("[DB-13] one that fails takes the others of that start along", async () => {
  await put("first", "0002_good.sql", note("good"));
  await put("second", "0001_bad.sql", "SELECT nothing_of_the_kind");
  expect(await migrate(db, sets).catch((error: Error) => error.message)).toContain("nothing_of_the_kind");
  const [row] = await db.sql`
    SELECT to_regclass('log') AS log, (SELECT count(*)::int FROM migrations) AS applied`;
  expect(row).toEqual({ log: null, applied: 0 });
});

test("[DB-28] a user without the right to make tables", async () => {
  const role = `reader_${process.pid}`;
  const { pathname } = new URL(db.url);
  await db.sql.unsafe(`CREATE ROLE ${role} LOGIN; DROP TABLE IF EXISTS migrations`);
  const { socketDir } = db;
  const url = `postgres://${role}@localhost${pathname}`;
  const other = openDatabase({ url, socketDir, poolSize: 1, applicationName: "test" });
  try {
    expect(await migrate(other, sets).catch((error: Error) => `${error.name}: ${error.message}`)).toBe(
      "StartError: The user of DATABASE_URL may not make tables: make it the owner of the database, or GRANT CREATE ON SCHEMA public to it.",
    );
    await migrate(db, sets);
    await db.sql.unsafe(`GRANT SELECT ON migrations TO ${role}`);
    expect(await migrate(other, sets)).toEqual([]);
  } finally {
    await other.close();
    await db.sql.unsafe(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});
