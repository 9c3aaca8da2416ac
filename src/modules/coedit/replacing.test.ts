import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import * as Y from "yjs";
import { openAgain } from "../../testing/database.ts";
import { type Person, signUp } from "../../testing/requests.ts";
import { openServed, type ServedApplication } from "../../testing/served.ts";
import { until } from "../../testing/until.ts";
import { type Editor, openEditor } from "./testing/editor.ts";

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

async function createPost(body: string): Promise<string> {
  return String((await ada.call("POST", "/posts", { title: "A", body })).body.id);
}

function edit(server: ServedApplication, postId: string): Promise<Editor> {
  const editor = openEditor(server.port, postId, ada.token);
  editors.push(editor);
  return editor.synced();
}

const bodyOf = async (postId: string) => (await ada.call("GET", `/posts/${postId}`)).body.body;

/** As another process stores an edit of hers, which dies before it can say so or save the body. */
async function typeElsewhere(postId: string, doc: Y.Doc, text: string): Promise<void> {
  const hidden = new Y.Doc();
  Y.applyUpdate(hidden, Y.encodeStateAsUpdate(doc));
  let change = new Uint8Array();
  hidden.on("update", (update: Uint8Array) => {
    change = new Uint8Array(update);
  });
  hidden.getText("body").insert(hidden.getText("body").length, text);
  await here.db.sql`
    WITH document AS (
      UPDATE coedit_documents SET head_seq = head_seq + 1, session_since = now(), edited_at = now(),
        edited_by = ${ada.userId}, editors = ARRAY[${ada.userId}::uuid]
      WHERE post_id = ${postId} RETURNING project_id, post_id, head_seq)
    INSERT INTO coedit_changes (project_id, post_id, seq, change)
    SELECT project_id, post_id, head_seq, ${change} FROM document`;
}

/** Whatever is written to the table fails, as it does where the process or its connection dies right there. */
async function breakWriting(table: string, operation: "INSERT" | "UPDATE"): Promise<() => Promise<unknown>> {
  await here.db.sql.unsafe(`
    CREATE FUNCTION refuse_writing() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'it ends here'; END $$`);
  await here.db.sql.unsafe(`
    CREATE TRIGGER refuse_writing BEFORE ${operation} ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse_writing()`);
  return async () => here.db.sql.unsafe("DROP FUNCTION refuse_writing CASCADE");
}

test("[PST-62] a PUT that ends between the post's change and the document's leaves both as they were", async () => {
  for (const [table, operation] of [
    ["coedit_changes", "INSERT"],
    ["posts", "UPDATE"],
    ["events", "INSERT"],
  ] as const) {
    const postId = await createPost("before");
    const reader = await edit(there, postId);
    const heal = await breakWriting(table, operation);
    const answer = await ada.call("PUT", `/posts/${postId}`, { title: "A", body: "after" }).finally(heal);
    expect([table, answer.status]).toEqual([table, 500]);
    const late = await edit(here, postId);
    expect([table, late.text.toString(), await bodyOf(postId)]).toEqual([table, "before", "before"]);
    reader.text.insert(0, "still ");
    await late.says("still before");
  }
});

test("[PST-62] a PUT is stored with its post, so that a process which ends right after it has told nobody loses nothing", async () => {
  const postId = await createPost("before");
  const reader = await edit(there, postId);
  const third = await openServed({ secretKey, db: openAgain(here.db) });
  const path = `http://127.0.0.1:${third.port}/api/v1/posts/${postId}`;
  const headers = { Authorization: `Bearer ${ada.token}`, "Content-Type": "application/json" };
  const answer = await fetch(path, { method: "PATCH", headers, body: JSON.stringify({ body: "after" }) });
  const stored = await here.db.sql`SELECT FROM coedit_changes WHERE post_id = ${postId}`;
  await third.stop();
  expect([answer.status, stored.length]).toEqual([200, 1]);
  await reader.says("after");
});

test("[PST-64] a body that follows while a PATCH looks for it is seen: what If-Match refuses changes neither post nor document", async () => {
  const postId = await createPost("one");
  const { doc, provider } = await edit(here, postId);
  provider.destroy();
  const path = `/posts/${postId}`;
  const before = (await ada.call("GET", path)).headers.get("ETag") ?? "";
  await typeElsewhere(postId, doc, " two");
  const isHeld = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holder = here.db.transaction(async (tx) => {
    await tx`LOCK TABLE coedit_documents IN ACCESS EXCLUSIVE MODE`;
    isHeld.resolve();
    await release.promise;
    // As the process that stored the edit makes the body follow, while the PATCH has read the post and not the document.
    await tx`
      UPDATE posts SET body = 'one two', length = 7, revision = revision + 1, version = 2, draft = 1 WHERE id = ${postId}`;
    await tx`UPDATE coedit_documents SET followed_seq = head_seq WHERE post_id = ${postId}`;
  });
  await isHeld.promise;
  const patching = ada.call("PATCH", path, { body: "lost update" }, { "If-Match": before });
  await until("the PATCH to look", async () => {
    const rows = await there.db.longSql`
      SELECT FROM pg_locks WHERE NOT granted AND relation = 'coedit_documents'::regclass`;
    return rows.length > 0;
  });
  release.resolve();
  await holder;
  expect((await patching).body.code).toBe("POST_CHANGED");
  expect((await edit(there, postId)).text.toString()).toBe("one two");
});

test("[PST-62] a PUT beside writers on every side ends in one text, and no PUT waits for another in a ring", async () => {
  const postId = await createPost("start\n");
  const [one, other] = [await edit(here, postId), await edit(there, postId)];
  const bodies = Array.from({ length: 5 }, (_, n) => `put ${n}\n`);
  const putting = bodies.map((body) => ada.call("PATCH", `/posts/${postId}`, { body }));
  let typed = 0;
  const done = Promise.all(putting);
  const after = { puts: false };
  void done.finally(() => {
    after.puts = true;
  });
  await until("the end of the PUTs", () => {
    (typed++ % 2 ? one : other).text.insert(0, "t");
    return after.puts;
  });
  for (const { status } of await done) expect(status).toBe(200);
  await until("one text, which is the body", async () => {
    const body = await bodyOf(postId);
    return one.text.toString() === body && other.text.toString() === body;
  });
  expect(typed).toBeGreaterThan(0);
});
