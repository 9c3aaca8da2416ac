import { afterAll, beforeEach, expect, test } from "bun:test";
import type { AuditEntry } from "../../kernel/audit/index.ts";
import type { Database } from "../../kernel/db/index.ts";
import { createSecrets, type Secrets } from "../../kernel/secrets/index.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
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
