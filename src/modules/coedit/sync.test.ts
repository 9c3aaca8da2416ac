import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import * as Y from "yjs";
import { openAgain } from "../../testing/database.ts";
import { type Person, signUp } from "../../testing/requests.ts";
import { openServed, type ServedApplication } from "../../testing/served.ts";
import { until } from "../../testing/until.ts";
import { type Editor, type EditorOptions, openEditor } from "./testing/editor.ts";
import { openRawEditor } from "./testing/raw-editor.ts";

const secretKey = randomBytes(32).toString("base64");
let here: ServedApplication;
let there: ServedApplication;
let ada: Person;
const editors: { close(): void }[] = [];
beforeAll(async () => {
  here = await openServed({ secretKey });
  there = await openServed({ secretKey, db: openAgain(here.db) });
  ada = await signUp(here);
});
afterEach(() => {
  for (const editor of editors.splice(0)) editor.close();
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});

async function createPost(body = ""): Promise<string> {
  return String((await ada.call("POST", "/posts", { title: "A", body })).body.id);
}

function edit(server: ServedApplication, postId: string, options: EditorOptions = {}): Promise<Editor> {
  const editor = openEditor(server.port, postId, ada.token, options);
  editors.push(editor);
  return editor.synced();
}

/** What a reader of the database alone makes of a document. */
async function storedText(postId: string): Promise<string> {
  const [snapshot] = await here.db.sql<{ state: Uint8Array }>`
    SELECT state FROM coedit_snapshots WHERE post_id = ${postId}`;
  const changes = await here.db.sql<{ change: Uint8Array }>`
    SELECT change FROM coedit_changes WHERE post_id = ${postId} ORDER BY seq`;
  const doc = new Y.Doc();
  Y.applyUpdateV2(doc, snapshot?.state ?? new Uint8Array());
  for (const { change } of changes) Y.applyUpdate(doc, change);
  expect(doc.store.pendingStructs).toBeNull();
  return doc.getText("body").toString();
}

test("[COE-1] plain y-websocket clients on two processes without Redis write one text", async () => {
  const postId = await createPost("a swan");
  const [one, other] = [await edit(here, postId), await edit(there, postId)];
  expect([one.text.toString(), other.text.toString()]).toEqual(["a swan", "a swan"]);
  one.text.insert(2, "black ");
  other.text.insert(0, "Behold: ");
  const both = "Behold: a black swan";
  await one.says(both);
  await other.says(both);
  const late = await edit(there, postId);
  expect(late.text.toString()).toBe(both);
  other.text.delete(0, 8);
  await one.says("a black swan");
  await late.says("a black swan");
  expect(await storedText(postId)).toBe("a black swan");
});

test("[COE-2] Hocuspocus 4.7: an acknowledged edit was lost. Here whatever is relayed is in the database by then", async () => {
  const postId = await createPost();
  const [writer, reader] = [await edit(here, postId), await edit(there, postId)];
  const seen: Promise<boolean>[] = [];
  for (const editor of [writer, reader]) {
    editor.doc.on("update", (_: Uint8Array, origin: unknown) => {
      if (origin !== editor.provider) return;
      const text = editor.text.toString();
      seen.push(storedText(postId).then((stored) => stored.startsWith(text)));
    });
  }
  for (let n = 0; n < 20; n++) {
    writer.text.insert(writer.text.length, "x");
    await reader.says("x".repeat(n + 1));
  }
  expect(seen.length).toBeGreaterThan(10);
  expect(await Promise.all(seen)).not.toContain(false);
});

test("[COE-3] without a hint the change arrives by polling", async () => {
  const postId = await createPost("one");
  const reader = await edit(here, postId);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(reader.doc));
  let change = new Uint8Array();
  doc.on("update", (update: Uint8Array) => {
    change = new Uint8Array(update);
  });
  doc.getText("body").insert(3, " two");
  // As another process does it, which dies before it can say so.
  await here.db.sql`UPDATE coedit_documents SET head_seq = head_seq + 1 WHERE post_id = ${postId}`;
  await here.db.sql`
    INSERT INTO coedit_changes (project_id, post_id, seq, change)
    SELECT project_id, post_id, head_seq, ${change} FROM coedit_documents WHERE post_id = ${postId}`;
  await reader.says("one two");
});

test("[COE-4] what was written offline and what others wrote meanwhile come together", async () => {
  const postId = await createPost("middle");
  const [away, stays] = [await edit(here, postId), await edit(there, postId)];
  away.provider.disconnect();
  away.text.insert(0, "before ");
  stays.text.insert(6, " after");
  await until("the edit to be stored", async () => (await storedText(postId)) === "middle after");
  away.provider.connect();
  await away.says("before middle after");
  await stays.says("before middle after");
});

test("[COE-4] a cut connection comes back with what was written meanwhile", async () => {
  const postId = await createPost();
  const [one, other] = [await edit(here, postId), await edit(there, postId)];
  for (let n = 0; n < 5; n++) {
    one.text.insert(one.text.length, `${n}`);
    one.cut();
    one.text.insert(one.text.length, ".");
    await other.says(one.text.toString());
  }
  expect(await storedText(postId)).toBe("0.1.2.3.4.");
});

test("[COE-7] Yjs 633, 25 MB for a few KB of text: what was deleted takes no room once it is condensed", async () => {
  const postId = await createPost();
  const [one, other] = [await edit(here, postId), await edit(there, postId)];
  for (let n = 0; n < 8; n++) {
    one.text.insert(0, randomBytes(8_192).toString("hex"));
    // Else it would be gone before it is stored.
    await other.says(one.text.toString());
    one.text.delete(0, one.text.length - 1);
    await other.says(one.text.toString());
  }
  other.text.insert(0, "still here: ");
  const wanted = other.text.toString();
  await one.says(wanted);
  const [row] = await until("the condensing", async () => {
    const rows = await here.db.sql<{ bytes: number; changes: number }>`
      SELECT octet_length(s.state) AS bytes, d.log_bytes::int AS changes
      FROM coedit_snapshots s JOIN coedit_documents d USING (post_id) WHERE s.post_id = ${postId} AND s.seq > 0`;
    return rows.length > 0 && rows;
  });
  // At most one of the eight texts was there when it was condensed.
  expect(Number(row?.bytes)).toBeLessThan(20_000);
  expect(await storedText(postId)).toBe(wanted);
  const late = await edit(there, postId);
  expect(late.text.toString()).toBe(wanted);
});

test("[COE-26] receipts count what is stored, in its order", async () => {
  const postId = await createPost();
  const raw = await openRawEditor(here.port, postId, ada.token, "?receipts=true");
  editors.push(raw);
  for (let n = 1; n <= 3; n++) {
    raw.type("x");
    await until("the receipt", () => raw.stored === raw.sent);
    expect(await storedText(postId)).toBe("x".repeat(n));
  }
});
