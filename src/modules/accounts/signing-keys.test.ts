import { afterAll, beforeEach, expect, test } from "bun:test";
import type { AuditEntry } from "../../kernel/audit/index.ts";
import type { Database } from "../../kernel/db/index.ts";
import { createSecrets, type Secrets } from "../../kernel/secrets/index.ts";
import { createTestClock } from "../../testing/clock.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { createAccessTokens } from "./access-token.ts";
import { accountsMigrations } from "./index.ts";
import { createSigningKeys } from "./signing-keys.ts";

const secrets = createSecrets(Buffer.alloc(32, 7).toString("base64"));
const databases: TestDatabase[] = [];
let db: TestDatabase;
beforeEach(async () => {
  db = await openTestDatabase([accountsMigrations]);
  databases.push(db);
});
const recorded: AuditEntry[] = [];
const audit = { record: async (_tx: unknown, entry: AuditEntry) => void recorded.push(entry) };
afterAll(() => Promise.all(databases.map((each) => each.close())));

test("[ACC-18] of many first starts at one moment one makes the key and all have it", async () => {
  const processes = Array.from({ length: 5 }, () => openAgain(db));
  // Connected beforehand, so that they really meet.
  await Promise.all(processes.map((each) => each.sql`SELECT 1`));
  for (let round = 0; round < 10; round++) {
    await db.sql`DELETE FROM signing_keys`;
    const rings = processes.map((each) => createRing(each, secrets));
    await Promise.all(rings.map((ring) => ring.refresh()));
    expect(new Set(rings.map((ring) => ring.current(Date.now()).id)).size).toBe(1);
    expect(rings.map((ring) => ring.listPublic().length)).toEqual([1, 1, 1, 1, 1]);
  }
  await Promise.all(processes.map((each) => each.close()));
});

test("[ACC-19] private keys are stored encrypted", async () => {
  const ring = createRing(db, secrets);
  await ring.refresh();
  const pkcs8 = ring.current(Date.now()).privateKey.export({ format: "der", type: "pkcs8" });
  const secret = pkcs8.subarray(-32).toString("hex");
  const [row] = await db.sql<{
    text: string;
  }>`SELECT encode(sealed_private_key, 'hex') AS text FROM signing_keys`;
  expect(row?.text.length).toBeGreaterThan(secret.length);
  expect(row?.text).not.toContain(secret);
});

test("[ACC-19] with another SECRET_KEY the start is refused with a sentence", async () => {
  await createRing(db, secrets).refresh();
  const others = createSecrets(Buffer.alloc(32, 8).toString("base64"));
  const refused = await createRing(db, others)
    .refresh()
    .catch((error) => error);
  expect(refused.name).toBe("StartError");
  expect(refused.message).toMatch(/^SECRET_KEY is not the one .*\.$/);
});

test("[ACC-20] after 90 days the next key is published a day before it signs", async () => {
  const ring = createRing(db, secrets);
  await ring.refresh();
  const first = ring.current(Date.now());
  await age(89);
  await ring.refresh();
  expect(ring.listPublic()).toHaveLength(1);
  await age(2);
  await ring.refresh();
  await ring.refresh();
  expect(ring.listPublic()).toHaveLength(2);
  expect(ring.current(Date.now()).id).toBe(first.id);
  expect(ring.current(Date.now() + 23 * 3_600_000).id).toBe(first.id);
  const next = ring.current(Date.now() + 25 * 3_600_000);
  expect(next.id).not.toBe(first.id);
  expect(ring.findByHeader(first.header)?.id).toBe(first.id);
  expect(ring.findByHeader(next.header)?.id).toBe(next.id);
});

test("[ACC-20] the key before stays for two days after the next one signs", async () => {
  const ring = createRing(db, secrets);
  await ring.refresh();
  const first = ring.current(Date.now());
  await age(91);
  await ring.refresh();
  await age(2.9);
  await ring.refresh();
  expect(ring.listPublic()).toHaveLength(2);
  await age(0.2);
  await ring.refresh();
  expect(ring.listPublic()).toHaveLength(1);
  expect(ring.findByHeader(first.header)).toBeUndefined();
});

function createRing(on: Database, under: Secrets, rotationDays = 90) {
  return createSigningKeys({ db: on, secrets: under, audit, rotationDays });
}

/** Makes all keys older. */
async function age(days: number): Promise<void> {
  await db.sql`UPDATE signing_keys SET created_at = created_at - make_interval(secs => ${days * 86_400}::float8),
    signs_from = signs_from - make_interval(secs => ${days * 86_400}::float8)`;
}

test("[ACC-100] a key gets its successor after the days that are set", async () => {
  const ring = createRing(db, secrets, 7);
  await ring.refresh();
  await age(6.9);
  await ring.refresh();
  expect(ring.listPublic()).toHaveLength(1);
  await age(0.2);
  await ring.refresh();
  expect(ring.listPublic()).toHaveLength(2);
  expect(recorded.at(-1)).toMatchObject({
    action: "signing_key.rotated",
    subject: ring.list()[0]?.id,
    data: { reason: "schedule" },
  });
});

test("[ACC-101] by command a new key signs after a quarter of an hour, once", async () => {
  const ring = createRing(db, secrets);
  await ring.refresh();
  const first = ring.current(Date.now());
  const { id, signsFrom } = await ring.rotate();
  expect((signsFrom.getTime() - Date.now()) / 60_000).toBeWithin(14, 15.1);
  expect(await ring.rotate()).toEqual({ id, signsFrom });
  expect(ring.listPublic().map(({ kid }) => kid)).toEqual([id, first.id]);
  expect(ring.current(Date.now()).id).toBe(first.id);
  expect(ring.current(Date.now() + 16 * 60_000).id).toBe(id);
});

test("[ACC-101] a scheduled key that waits is brought forward, as soon as it has been published for as long", async () => {
  const ring = createRing(db, secrets);
  await ring.refresh();
  await age(91);
  await ring.refresh();
  const [next] = ring.list();
  expect(((next?.signsFrom ?? 0) - Date.now()) / 3_600_000).toBeWithin(23, 25);
  const brought = await ring.rotate();
  expect(brought.id).toBe(next?.id ?? "");
  expect((brought.signsFrom.getTime() - Date.now()) / 60_000).toBeWithin(14, 15.1);
  await db.sql`UPDATE signing_keys SET signs_from = now() + interval '5 hours', created_at = now() - interval '1 hour'
    WHERE id = ${brought.id}`;
  expect(((await ring.rotate()).signsFrom.getTime() - Date.now()) / 1000).toBeWithin(-60, 1);
  expect(ring.current(Date.now()).id).toBe(brought.id);
});

test("[ACC-101] before the first start it makes the first key and its successor", async () => {
  const ring = createRing(db, secrets);
  const { id } = await ring.rotate();
  expect(ring.list()).toHaveLength(2);
  expect(ring.current(Date.now()).id).not.toBe(id);
});

test("[ACC-101] commands at one moment make one key", async () => {
  await createRing(db, secrets).refresh();
  const made = await Promise.all(Array.from({ length: 5 }, () => createRing(db, secrets).rotate()));
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  const [row] = await db.sql`SELECT count(*)::int AS n FROM signing_keys`;
  expect(row).toEqual({ n: 2 });
});

test("[ACC-108] the trail says which key was made by command", async () => {
  const ring = createRing(db, secrets);
  await ring.refresh();
  const start = recorded.length;
  const { id } = await ring.rotate();
  expect(recorded.slice(start)).toEqual([
    {
      action: "signing_key.rotated",
      projectId: null,
      actorId: null,
      subject: id,
      address: null,
      data: { reason: "command" },
    },
  ]);
});

test("[ACC-102] of two processes each publishes and takes what the other has made, before and after it signs", async () => {
  const clock = createTestClock();
  const subject = { userId: crypto.randomUUID(), sessionId: crypto.randomUUID() };
  const process = () => {
    const own = openAgain(db);
    databases.push(own);
    const ring = createRing(own, secrets);
    return { ring, tokens: createAccessTokens({ issuer: "stoa", lifeSeconds: 1_800, keys: ring }) };
  };
  const [a, b] = [process(), process()];
  await a.ring.refresh();
  await b.ring.refresh();
  const early = a.tokens.sign(subject, clock.now());
  const { id } = await a.ring.rotate();
  // Both still sign with the first; the other one has not heard of the second.
  expect(b.tokens.verify(a.tokens.sign(subject, clock.now()), clock.now())).toMatchObject(subject);
  expect(b.ring.listPublic().map(({ kid }) => kid)).not.toContain(id);
  await b.ring.read();
  expect(b.ring.listPublic().map(({ kid }) => kid)).toContain(id);
  clock.turn(16 * 60_000);
  expect([a.ring.current(clock.now()).id, b.ring.current(clock.now()).id]).toEqual([id, id]);
  for (const token of [early, a.tokens.sign(subject, clock.now()), b.tokens.sign(subject, clock.now())]) {
    for (const { tokens } of [a, b]) expect(tokens.verify(token, clock.now())).toMatchObject(subject);
  }
  // The first is dropped when no token of its can last any more, a day at the most.
  await age(1.9);
  await b.ring.refresh();
  expect(b.ring.listPublic()).toHaveLength(2);
  await age(0.2);
  await b.ring.refresh();
  await a.ring.read();
  expect(a.ring.listPublic().map(({ kid }) => kid)).toEqual([id]);
  expect(a.tokens.verify(early, clock.now())).toBeUndefined();
});
