import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import * as Y from "yjs";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { openAgain } from "../../testing/database.ts";
import { type Person, signUp } from "../../testing/requests.ts";
import { openServed, type ServedApplication } from "../../testing/served.ts";
import { until } from "../../testing/until.ts";
import { type Editor, openEditor } from "./testing/editor.ts";
import { plant } from "./testing/planting.ts";
import { openRawEditor, type RawEditor } from "./testing/raw-editor.ts";

const secretKey = randomBytes(32).toString("base64");
let server: ServedApplication;
let other: ServedApplication;
let ada: Person;
const editors: { close(): void }[] = [];
beforeAll(async () => {
  server = await openServed({ secretKey });
  other = await openServed({ secretKey, db: openAgain(server.db) });
  ada = await signUp(server);
});
afterEach(() => {
  for (const editor of editors.splice(0)) editor.close();
});
afterAll(async () => {
  await other.stop();
  await server.stop();
});

async function createPost(body = ""): Promise<string> {
  return String((await ada.call("POST", "/posts", { title: "A", body })).body.id);
}

function edit(postId: string, at = server): Editor {
  const editor = openEditor(at.port, postId, ada.token);
  editors.push(editor);
  return editor;
}

async function editRaw(postId: string): Promise<RawEditor> {
  const editor = await openRawEditor(server.port, postId, ada.token, "?receipts=true");
  editors.push(editor);
  return editor;
}

/** As a full disk does it: whatever is written to a document fails, reading goes on. */
async function breakStoring(postId: string): Promise<() => PromiseLike<unknown>> {
  await server.db.sql.unsafe(`
    CREATE FUNCTION refuse_storing() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$`);
  await server.db.sql.unsafe(`
    CREATE TRIGGER refuse_storing BEFORE UPDATE ON coedit_documents FOR EACH ROW
    WHEN (OLD.post_id = '${postId}') EXECUTE FUNCTION refuse_storing()`);
  return () => server.db.sql.unsafe("DROP FUNCTION refuse_storing CASCADE");
}

test("[COE-6] Hocuspocus 954, a store that fails: the document turns read-only, says so, and loses nothing", async () => {
  const postId = await createPost("before");
  const [writer, reader, raw] = [edit(postId), edit(postId, other), await editRaw(postId)];
  await Promise.all([writer.synced(), reader.synced()]);
  await until("the receipts of before", () => raw.stored === raw.sent);
  const heal = await breakStoring(postId);
  writer.text.insert(6, " and during");
  raw.type("!");
  await until("the news", () => raw.told.find((text) => text.includes("NOT_STORED")));
  expect(raw.told[0]).toBe(JSON.stringify({ can_write: false, code: "NOT_STORED" }));
  expect(reader.text.toString()).toBe("before");
  expect(raw.stored).toBeLessThan(raw.sent);
  // Reading goes on.
  const late = await edit(postId).synced();
  expect(late.text.toString()).toBe("before");
  await heal();
  await until("the end of it", () => raw.told.includes(JSON.stringify({ can_write: true })));
  await until("all of it", () => reader.text.toString().length === "before and during!".length);
  expect(reader.text.toString()).toContain(" and during");
  await until("the receipts", () => raw.stored === raw.sent);
  await late.says(reader.text.toString());
});

test("[COE-5] Hocuspocus 382, a blank document overwrote the database: one that cannot be loaded closes, and is whole later", async () => {
  const postId = await createPost("precious");
  const first = await edit(postId).synced();
  first.close();
  await server.db.sql.unsafe("ALTER TABLE coedit_snapshots RENAME TO coedit_hidden");
  const closes: number[] = [];
  const editor = edit(postId, other);
  editor.provider.on("connection-close", (event) => closes.push(event?.code ?? 0));
  try {
    await until("to be turned away twice", () => closes.length >= 2);
    expect(closes.every((code) => code === 3013)).toBe(true);
    expect([editor.provider.synced, editor.text.toString()]).toEqual([false, ""]);
    // Written against what one thinks is empty: it comes beside what was there, and not in its place.
    editor.text.insert(0, "mine ");
  } finally {
    await server.db.sql.unsafe("ALTER TABLE coedit_hidden RENAME TO coedit_snapshots");
  }
  await editor.synced();
  await until("both", () => editor.text.length === "mine precious".length);
  expect(editor.text.toString()).toContain("precious");
});

test("[COE-5] y-websocket-server 9, an empty document served before its store was read: whoever asks early waits for all of it", async () => {
  const postId = await createPost("all of it");
  (await edit(postId).synced()).close();
  const firstAnswers = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const editor = edit(postId, other);
      await editor.synced();
      return editor.text.toString();
    }),
  );
  expect(new Set(firstAnswers)).toEqual(new Set(["all of it"]));
});

test("[COE-5] a stored document that lacks a change is not served as if it were whole", async () => {
  const postId = await createPost("whole");
  const raw = await editRaw(postId);
  raw.type("!");
  raw.type("?");
  await until("them to be stored", () => raw.stored === raw.sent);
  raw.close();
  await server.db.sql`DELETE FROM coedit_changes WHERE post_id = ${postId} AND seq = 1`;
  const closes: number[] = [];
  edit(postId, other).provider.on("connection-close", (event) => closes.push(event?.code ?? 0));
  await until("to be turned away", () => closes.length > 0);
  expect(closes[0]).toBe(3013);
});

test("[COE-8] Hocuspocus 971, the unload race: who leaves and comes back at once, again and again, loses nothing", async () => {
  const postId = await createPost();
  for (let n = 0; n < 15; n++) {
    const at = n % 2 ? server : other;
    const raw = await openRawEditor(at.port, postId, ada.token);
    raw.type(`${n} `);
    // What was sent right before the close is taken.
    raw.close();
  }
  const reader = edit(postId);
  const wanted = Array.from({ length: 15 }, (_, n) => `${n}`);
  await until("all of them", () => reader.text.toString().trim().split(" ").length === wanted.length);
  expect(new Set(reader.text.toString().trim().split(" "))).toEqual(new Set(wanted));
});

test("[COE-8] Hocuspocus 738, not stored at the stop: what was confirmed before a server stops is there", async () => {
  const third = await openServed({ secretKey, db: openAgain(server.db) });
  const postId = await createPost();
  const raw = await openRawEditor(third.port, postId, ada.token, "?receipts=true");
  raw.type("the last words");
  await until("the receipt", () => raw.stored === raw.sent);
  await third.stop();
  expect((await raw.closed()).code).toBe(3012);
  expect((await edit(postId).synced()).text.toString()).toBe("the last words");
});

test("[COE-7] condensing while others write loses nothing (y-postgresql flushes without waiting)", async () => {
  const postId = await createPost();
  const [one, two] = [await editRaw(postId), edit(postId, other)];
  await two.synced();
  const chunk = randomBytes(4_000).toString("hex");
  for (let n = 0; n < 20; n++) {
    one.type(`${n}:${chunk};`);
    two.text.insert(0, "o");
    await until("the receipt", () => one.stored === one.sent);
  }
  await until("a snapshot", async () => {
    const rows = await server.db.sql`SELECT FROM coedit_snapshots WHERE post_id = ${postId} AND seq > 0`;
    return rows.length > 0;
  });
  await until("one text", () => one.doc.getText("body").toString() === two.text.toString());
  const late = await edit(postId, other).synced();
  expect(late.text.toString()).toBe(two.text.toString());
  expect(late.text.length).toBe(20 + one.doc.getText("body").toString().replaceAll("o", "").length);
});

test("[COE-9] Yjs 741: a large document is loaded beside the gateway, which answers others meanwhile", async () => {
  const doc = new Y.Doc();
  const text = doc.getText("body");
  // Many small parts: what makes a document slow is their number.
  doc.transact(() => {
    for (let n = 0; n < 60_000; n++) text.insert(n % 2 ? 0 : text.length, "x");
  });
  const state = Y.encodeStateAsUpdateV2(doc);
  const health = () => fetch(`http://127.0.0.1:${other.port}/health`);
  const longestMs = await bestOf(1_000, async () => {
    const postId = await createPost();
    await plant(server.db, postId, state);
    const opening = edit(postId, other).synced();
    const seen = { isOpen: false, longestMs: 0 };
    const isOver = opening.finally(() => {
      seen.isOpen = true;
    });
    while (!seen.isOpen) seen.longestMs = Math.max(seen.longestMs, await msOf(health));
    await isOver;
    expect((await opening).text.length).toBe(60_000);
    return seen.longestMs;
  });
  expect(longestMs).toBeLessThan(1_000);
});
