import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { bestOf } from "../../testing/best-of.ts";
import { openAgain } from "../../testing/database.ts";
import { listEvents } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openServed, type ServedApplication } from "../../testing/served.ts";
import { until } from "../../testing/until.ts";
import { type Editor, openEditor } from "./testing/editor.ts";
import { listChanges, moveChanges, type TextChange } from "./thread/text-change.ts";

const secretKey = randomBytes(32).toString("base64");
let here: ServedApplication;
let there: ServedApplication;
let ada: Person;
let ben: Person;
let projectId: string;
const editors: { close(): void }[] = [];
beforeAll(async () => {
  here = await openServed({ secretKey, works: true });
  there = await openServed({ secretKey, db: openAgain(here.db) });
  [ada, ben] = [await signUp(here), await signUp(here)];
  projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
});
afterEach(() => {
  for (const editor of editors.splice(0)) editor.close();
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});

async function createPost(body = "", fields: object = {}): Promise<string> {
  const answer = await ada.call("POST", "/posts", { title: "A", body, project_id: projectId, ...fields });
  return String(answer.body.id);
}

function edit(server: ServedApplication, postId: string, person: Person): Promise<Editor> {
  const editor = openEditor(server.port, postId, person.token);
  editors.push(editor);
  return editor.synced();
}

async function bodyOf(postId: string): Promise<unknown> {
  return (await ada.call("GET", `/posts/${postId}`)).body.body;
}

async function versionsOf(postId: string): Promise<Record<string, unknown>[]> {
  const { body } = await ada.call("GET", `/posts/${postId}/versions`);
  return body.items as Record<string, unknown>[];
}

const updatesOf = async (postId: string) =>
  (await listEvents(here.db.sql, projectId)).filter(
    ({ event, subject }) => event === "post.updated" && subject === postId,
  );

/** As if the last change had been made so long ago, with the session's job due. */
async function age(postId: string, seconds: number): Promise<void> {
  await here.db.sql`
    UPDATE coedit_documents SET edited_at = now() - make_interval(secs => ${seconds}::int) WHERE post_id = ${postId}`;
  await here.db.sql`
    UPDATE jobs SET run_at = now() WHERE task = 'coedit.settle' AND input->>'post_id' = ${postId}`;
  here.kernel.jobs.wake("high");
}

test("[PST-60] the body follows within a second of a pause", async () => {
  const lateMs = await bestOf(1_000, async () => {
    const postId = await createPost("a swan");
    const editor = await edit(here, postId, ada);
    editor.text.insert(2, "black ");
    await until("the body", async () => (await bodyOf(postId)) === "a black swan");
    // By the database's clock: the test itself may be late to see it.
    const [row] = await here.db.sql<{ ms: number }>`
      SELECT (1000 * extract(epoch FROM p.updated_at - d.edited_at))::float8 AS ms
      FROM posts p JOIN coedit_documents d ON d.post_id = p.id WHERE p.id = ${postId}`;
    return row?.ms ?? Number.NaN;
  });
  expect(lateMs).toBeLessThan(1_000);
});

test("[PST-61] of a session of several writers one version is made, with one event, when the last one leaves", async () => {
  const postId = await createPost("one\ntwo\n");
  const [first, second] = [await edit(here, postId, ada), await edit(here, postId, ben)];
  first.text.insert(0, "zero\n");
  await second.says("zero\none\ntwo\n");
  await until("the body", async () => (await bodyOf(postId)) === "zero\none\ntwo\n");
  second.text.delete(5, 4);
  await first.says("zero\ntwo\n");
  await until("the body", async () => (await bodyOf(postId)) === "zero\ntwo\n");
  expect(await updatesOf(postId)).toEqual([]);
  first.close();
  second.close();
  await until("the event", async () => (await updatesOf(postId)).length > 0);
  const [latest, original] = await versionsOf(postId);
  const writers = [ada.userId, ben.userId].sort();
  expect(latest).toMatchObject({ version: 2, author_id: ben.userId, lines_added: 1, lines_removed: 1 });
  expect([...((latest?.editor_ids ?? []) as string[])].sort()).toEqual(writers);
  expect(original).toMatchObject({ version: 1, author_id: ada.userId, editor_ids: [ada.userId] });
  const [event, ...more] = await updatesOf(postId);
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    actor_id: ben.userId,
    data: { id: postId, version: 2, lines_added: 1, lines_removed: 1 },
  });
  const { editors: named } = (event?.data ?? {}) as { editors?: string[] };
  expect(named?.toSorted()).toEqual(writers);
  const old = await ada.call("GET", `/posts/${postId}/versions/1`);
  expect(old.body.body).toBe("one\ntwo\n");
  // Its words are found, and those that are gone are not.
  const { body } = await ada.call("GET", `/paragraphs?project_id=${projectId}&limit=100`);
  expect(JSON.stringify(body.items)).toContain("zero");
});

test("[PST-61] a pause of a minute ends a session; writing on begins the next one", async () => {
  const postId = await createPost("");
  const editor = await edit(there, postId, ada);
  editor.text.insert(0, "first");
  await until("the body", async () => (await bodyOf(postId)) === "first");
  await age(postId, 30);
  const isWaiting = async () => {
    const [row] = await here.db.sql<{ delay: number }>`
      SELECT extract(epoch FROM run_at - now())::float8 AS delay FROM jobs
      WHERE task = 'coedit.settle' AND input->>'post_id' = ${postId}`;
    return Number(row?.delay) > 20;
  };
  await until("it to wait on", isWaiting);
  expect(await updatesOf(postId)).toEqual([]);
  await age(postId, 61);
  await until("the event", async () => (await updatesOf(postId)).length === 1);
  editor.text.insert(5, ", second");
  await until("the body", async () => (await bodyOf(postId)) === "first, second");
  await until("the job", async () => isWaiting());
  await age(postId, 61);
  await until("the next event", async () => (await updatesOf(postId)).length === 2);
  expect((await versionsOf(postId)).map(({ version }) => version)).toEqual([3, 2, 1]);
});

test("[PST-61] a crash loses no version: another process makes it, also of what the body had not followed yet", async () => {
  const postId = await createPost("");
  const editor = await edit(there, postId, ada);
  editor.text.insert(0, "typed right before the crash");
  await until("it to be stored", async () => {
    const [row] = await here.db.sql<{ seq: number }>`
      SELECT head_seq::int AS seq FROM coedit_documents WHERE post_id = ${postId}`;
    return row?.seq === 1;
  });
  await age(postId, 61);
  await until("the event", async () => (await updatesOf(postId)).length === 1);
  expect(await bodyOf(postId)).toBe("typed right before the crash");
});

test("[PST-62] y-docs 2580, a replacement was a union: a PUT while others write is a small change, and theirs stays", async () => {
  const lines = Array.from({ length: 40 }, (_, n) => `line ${n}`).join("\n");
  const postId = await createPost(lines);
  const editor = await edit(here, postId, ben);
  let deleted = 0;
  let inserted = "";
  editor.text.observe(({ delta, transaction }) => {
    if (transaction.local) return;
    for (const step of delta) {
      deleted += step.delete ?? 0;
      if (typeof step.insert === "string") inserted += step.insert;
    }
  });
  editor.text.insert(editor.text.length, "\nand Ben's line");
  await until("it to be stored", async () => {
    const rows = await here.db.sql`SELECT FROM coedit_changes WHERE post_id = ${postId}`;
    return rows.length > 0;
  });
  const wanted = lines.replace("line 3\n", "line three\n");
  const answer = await ada.call("PATCH", `/posts/${postId}`, { body: `${wanted}\nand Ben's line` });
  expect([answer.status, answer.body.body]).toEqual([200, `${wanted}\nand Ben's line`]);
  await editor.says(`${wanted}\nand Ben's line`);
  expect([deleted, inserted]).toEqual([1, "three"]);
  const versions = await versionsOf(postId);
  expect(versions[0]).toMatchObject({ author_id: ada.userId, editor_ids: [ada.userId] });
});

test("[PST-62] a PUT reaches editors on other processes, also where the document is not open, and earlier versions come back so", async () => {
  const postId = await createPost("first");
  const editor = await edit(there, postId, ada);
  await ada.call("PUT", `/posts/${postId}`, { title: "A", body: "second" });
  await editor.says("second");
  await ada.call("POST", `/posts/${postId}/versions/1/restore`);
  await editor.says("first");
  expect(await bodyOf(postId)).toBe("first");
  await ada.call("PATCH", `/posts/${postId}`, { title: "B" });
  expect((await versionsOf(postId)).map(({ version }) => version)).toEqual([4, 3, 2, 1]);
});

test("[PST-62] many PUTs and typing at once end in one text, which is the body", async () => {
  const postId = await createPost("start");
  const [one, two] = [await edit(here, postId, ada), await edit(there, postId, ben)];
  const puts = Array.from({ length: 6 }, (_, n) =>
    ada.call("PATCH", `/posts/${postId}`, { body: `put ${n}` }),
  );
  for (let n = 0; n < 10; n++) (n % 2 ? one : two).text.insert(0, "t");
  for (const { status } of await Promise.all(puts)) expect(status).toBe(200);
  await until("one text, which is the body", async () => {
    const body = await bodyOf(postId);
    return one.text.toString() === body && two.text.toString() === body;
  });
});

test("[PST-62] the change between two texts is that of the lines that differ, and makes the one of the other", () => {
  const random = (n: number) => Math.floor(Math.random() * n);
  const words = ["a", "b\n", "c\n", "\n", "dd", "\u{1F600}", "\u{1F601}", "e\n"];
  for (let round = 0; round < 300; round++) {
    const make = () => Array.from({ length: random(30) }, () => words[random(words.length)]).join("");
    const [before, after] = [make(), make()];
    let text = before;
    for (const { from, removed, inserted } of listChanges(before, after).toReversed()) {
      expect(inserted.isWellFormed()).toBe(true);
      text = text.slice(0, from) + inserted + text.slice(from + removed);
    }
    expect(text).toBe(after);
  }
  expect(listChanges("a\nb\nc\nd\n", "a\nB\nc\nD\n")).toEqual([
    { from: 2, removed: 1, inserted: "B" },
    { from: 6, removed: 1, inserted: "D" },
  ]);
});

test("[PST-62] what others have written beyond the text that was replaced stays where it is", () => {
  const apply = (text: string, changes: readonly TextChange[]) =>
    changes
      .toReversed()
      .reduce(
        (changed, { from, removed, inserted }) =>
          changed.slice(0, from) + inserted + changed.slice(from + removed),
        text,
      );
  const replace = (base: string, wanted: string, now: string) =>
    apply(now, moveChanges(listChanges(base, wanted), base, now));
  expect(replace("a\nb\nc\n", "a\nB\nc\n", "new\na\nb\nc\nend")).toBe("new\na\nB\nc\nend");
  expect(replace("one two three", "one three", "one tXwo three")).toBe("one tXhree");
  expect(replace("one two", "one two three", "one")).toBe("one three");
  expect(replace("", "mine", "theirs")).toBe("theirsmine");
  expect(replace("all of it", "", "all of it, and more")).toBe(", and more");
});

test("[PST-63] Yjs 344, duplicate content from double seeding: many who open at once on two processes find the text once", async () => {
  for (let round = 0; round < 3; round++) {
    const postId = await createPost("hello");
    const all = Array.from({ length: 8 }, (_, n) => edit(n % 2 ? here : there, postId, ada));
    for (const editor of await Promise.all(all)) expect(editor.text.toString()).toBe("hello");
    const rows = await here.db.sql`SELECT FROM coedit_snapshots WHERE post_id = ${postId}`;
    expect(rows).toHaveLength(1);
  }
});

test("[PST-63] a body that is changed at the very moment of the first opening is not lost", async () => {
  for (let round = 0; round < 5; round++) {
    const postId = await createPost("before");
    const [editor, answer] = await Promise.all([
      edit(there, postId, ben),
      ada.call("PATCH", `/posts/${postId}`, { body: "after" }),
    ]);
    expect(answer.status).toBe(200);
    await editor.says("after");
    expect(await bodyOf(postId)).toBe("after");
  }
});

test("[PST-64] If-Match and If-None-Match hold while a version is being written", async () => {
  const postId = await createPost("one");
  const path = `/posts/${postId}`;
  const editor = await edit(here, postId, ben);
  const etagOf = async () => (await ada.call("GET", path)).headers.get("ETag") ?? "";
  const before = await etagOf();
  editor.text.insert(3, " two");
  // Not yet in the body: it counts all the same.
  await until("it to be stored", async () => {
    const rows = await here.db.sql`SELECT FROM coedit_changes WHERE post_id = ${postId}`;
    return rows.length > 0;
  });
  const late = await ada.call("PATCH", path, { body: "lost update" }, { "If-Match": before });
  expect([late.status, late.body.code]).toEqual([412, "POST_CHANGED"]);
  const drafts = await etagOf();
  expect(drafts).toBe('"2.1"');
  const headers = { "If-None-Match": drafts };
  expect((await ada.call("GET", path, undefined, headers)).status).toBe(304);
  editor.text.insert(7, " three");
  await until("the body", async () => (await bodyOf(postId)) === "one two three");
  expect((await ada.call("GET", path, undefined, headers)).status).toBe(200);
  const done = await ada.call("PATCH", path, { title: "Done" }, { "If-Match": await etagOf() });
  expect([done.status, done.headers.get("ETag")]).toEqual([200, '"3"']);
});

test("[PST-65] the document of a post is erased with it, and with its project", async () => {
  const countOf = async (postId: string) =>
    (await here.db.sql`SELECT FROM coedit_snapshots WHERE post_id = ${postId}`).length;
  const postId = await createPost("doomed");
  (await edit(here, postId, ada)).close();
  expect(await countOf(postId)).toBe(1);
  await ada.call("DELETE", `/posts/${postId}`);
  await here.db.sql`UPDATE posts SET deleted_at = now() - interval '31 days' WHERE id = ${postId}`;
  await here.db.sql`
    UPDATE jobs SET run_at = now() WHERE task = 'posts.erase' AND input->>'post_id' = ${postId}`;
  here.kernel.jobs.wake("low");
  await until("the erasing", async () => (await countOf(postId)) === 0);
  const doomed = await createProject(ada);
  const other = await createPost("doomed, too", { project_id: doomed });
  (await edit(here, other, ada)).close();
  await ada.call("DELETE", `/projects/${doomed}`);
  await here.db.sql`UPDATE jobs SET run_at = now() WHERE task = 'projects.erase'`;
  here.kernel.jobs.wake("low");
  await until("the erasing of the project", async () => (await countOf(other)) === 0);
});
