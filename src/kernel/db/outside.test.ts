import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { checkServer } from "./index.ts";

let db: TestDatabase;
let mute: Server;
let closed: Server;
let mutePort = 0;
let closedPort = 0;

beforeAll(async () => {
  db = await openTestDatabase();
  // Takes connections and says nothing, or hangs up, as a strange service might.
  mute = createServer(() => {});
  closed = createServer((socket) => socket.destroy());
  mutePort = await listen(mute);
  closedPort = await listen(closed);
});
afterAll(async () => {
  mute.close();
  closed.close();
  await db.close();
});

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
}

/** The scratch database by URL alone, as DATABASE_URL would name it. */
function urlOf(name = new URL(db.url).pathname.slice(1), user = "stoa"): string {
  return `postgres://${user}:s3cret@localhost/${name}?host=${encodeURIComponent(db.socketDir)}`;
}

async function sentenceOf(url: string): Promise<string> {
  try {
    await checkServer(url);
  } catch (error) {
    expect(error).toHaveProperty("name", "StartError");
    return (error as Error).message;
  }
  throw new Error("it was not refused");
}

test("[DB-26] a server that can be used is named by its host", async () => {
  expect(await checkServer(urlOf())).toEqual({ host: db.socketDir });
});

test("[DB-26] nothing listens, nobody answers, it hangs up: each has its sentence", async () => {
  const url = (port: number) => `postgres://me:s3cret@127.0.0.1:${port}/x`;
  expect(
    await Promise.all([sentenceOf(url(1)), sentenceOf(url(mutePort)), sentenceOf(url(closedPort))]),
  ).toEqual([
    "The database at 127.0.0.1:1 cannot be reached: check it and DATABASE_URL.",
    `The database at 127.0.0.1:${mutePort} does not answer within 5 seconds: check it and DATABASE_URL.`,
    `The database at 127.0.0.1:${closedPort} closes the connection at once: check it and DATABASE_URL.`,
  ]);
}, 60_000);

test("[DB-26] a wrong user and a wrong database are told apart", async () => {
  expect(await sentenceOf(urlOf("no_such_database"))).toBe(
    `The database at ${db.socketDir} has no database of the name in DATABASE_URL: check it and DATABASE_URL.`,
  );
  expect(await sentenceOf(urlOf("postgres", "no_such_user"))).toBe(
    `The database at ${db.socketDir} refuses the user of DATABASE_URL: check it and DATABASE_URL.`,
  );
  expect(
    await sentenceOf(
      `postgres://me:s3cret@localhost/x?host=${encodeURIComponent(join(db.socketDir, "none"))}`,
    ),
  ).toBe(`The database at ${join(db.socketDir, "none")} cannot be reached: check it and DATABASE_URL.`);
});

test("[DB-27] a server older than 16 is refused", async () => {
  // The version that a real server tells is veiled: no older one is at hand.
  await db.sql.unsafe(`
    CREATE SCHEMA veil;
    CREATE FUNCTION veil.current_setting(text) RETURNS text LANGUAGE sql AS
      $$ SELECT CASE $1 WHEN 'server_version_num' THEN '150007' ELSE '15.7' END $$;
    DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = veil, pg_catalog', current_database()); END $$`);
  expect(await sentenceOf(urlOf())).toBe(
    `The database at ${db.socketDir} is PostgreSQL 15.7: Stoa needs version 16 or newer.`,
  );
});
