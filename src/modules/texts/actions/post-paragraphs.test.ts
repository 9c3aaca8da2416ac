import { afterAll, beforeAll, expect, test } from "bun:test";
import { kernelMigrations } from "../../../kernel/create-kernel.ts";
import { newId } from "../../../kernel/ids/index.ts";
import { createChance } from "../../../testing/chance.ts";
import { openTestDatabase, type TestDatabase } from "../../../testing/database.ts";
import { listEvents } from "../../../testing/expectations.ts";
import { createTestKernel, type TestKernel } from "../../../testing/kernel.ts";
import { createProject, type Person, share, signUp } from "../../../testing/requests.ts";
import { until } from "../../../testing/until.ts";
import { accountsMigrations, createAccounts } from "../../accounts/index.ts";
import { createProjects, projectsMigrations } from "../../projects/index.ts";
import { createTexts, type Texts, textsMigrations } from "../index.ts";

let db: TestDatabase;
let kernel: TestKernel;
let texts: Texts;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  db = await openTestDatabase([...kernelMigrations, accountsMigrations, projectsMigrations, textsMigrations]);
  kernel = createTestKernel(db, { works: true });
  texts = createTexts(kernel, createProjects(kernel, createAccounts(kernel)));
  await kernel.start();
  [ada, ben] = await Promise.all([signUp(kernel.http), signUp(kernel.http)]);
});
afterAll(async () => {
  await kernel.stop();
  await db.close();
});

interface Row {
  readonly id: string;
  readonly content: string;
  readonly author_id: string;
  readonly doc: number | null;
}

const rowsOf = (postId: string) => db.sql<Row>`
  SELECT id, content, author_id, doc FROM paragraphs WHERE post_id = ${postId} ORDER BY id`;
const contentsOf = async (postId: string) => (await rowsOf(postId)).map((row) => row.content);

/** As a module of posts would: reads the paragraphs, then saves what became of them. */
async function save(projectId: string, postId: string, paragraphs: readonly string[], authorId = ada.userId) {
  const [row] = await db.sql<{ before: Record<string, string> }>`
    SELECT ${texts.paragraphsColumn(db.sql, db.sql`${postId}::uuid`)} AS before`;
  const text = { projectId, postId, authorId, paragraphs, before: row?.before ?? {} };
  await db.single(
    async (tx) => tx`WITH post AS (SELECT), ${texts.postParts(tx, text)} SELECT FROM post, post_job`,
  );
}

const analysed = (projectId: string) =>
  until("the analysis", async () => {
    const [row] = await db.sql<{ n: number }>`
      SELECT count(*)::int AS n FROM paragraphs WHERE project_id = ${projectId} AND doc IS NULL`;
    return row?.n === 0;
  });

async function top(projectId: string, word: string): Promise<[total: unknown, contents: string[]]> {
  const { body } = await ada.call("GET", `/paragraphs/top?project_id=${projectId}&word=${word}`);
  const items = body.items as { paragraph: { content: string; post_id: string } }[];
  return [body.total_count, items.map(({ paragraph }) => paragraph.content)];
}

test("[TXT-34] a body's paragraphs are analysed and found, and name their post", async () => {
  const [projectId, postId] = [await createProject(ada), newId()];
  const paragraphs = texts.splitMarkdown("# A whale\n\nThe whale and\nthe whale.\n\n- one\n- two\n");
  expect(paragraphs).toEqual(["# A whale", "The whale and the whale.", "- one\n- two"]);
  await save(projectId, postId, paragraphs);
  await analysed(projectId);
  expect(await top(projectId, "whale")).toEqual([3, ["The whale and the whale.", "# A whale"]]);
  const { body } = await ada.call("GET", `/paragraphs?project_id=${projectId}`);
  const items = body.items as { post_id: string; status: string }[];
  expect(items.map((item) => [item.post_id, item.status])).toEqual(
    paragraphs.map(() => [postId, "analysed"]),
  );
});

test("[TXT-34] what is too long for a paragraph, or too much for a post, is refused", () => {
  const refusal = (text: string) => {
    try {
      return texts.splitMarkdown(text).length;
    } catch (error) {
      return error;
    }
  };
  expect(refusal(`a\n\n${"b".repeat(100_001)}`)).toMatchObject({
    code: "PARAGRAPH_TOO_LONG",
    fields: [{ path: "body", message: "The paragraph that begins in line 3 is too long." }],
  });
  expect(refusal("b".repeat(100_000))).toBe(1);
  expect(refusal("a\n\n".repeat(20_001))).toMatchObject({ code: "TOO_MANY_PARAGRAPHS" });
  expect(refusal("a\n\n".repeat(20_000))).toBe(20_000);
  expect(refusal(" \n\n\u3000\n")).toBe(0);
});

test("[TXT-35] an edit keeps what stays, analyses what is new, and takes away what is gone", async () => {
  const [projectId, postId] = [await createProject(ada), newId()];
  await share(ada, projectId, ben, "collaborator");
  await save(projectId, postId, ["red fish", "blue fish", "old fish"]);
  await analysed(projectId);
  const before = new Map((await rowsOf(postId)).map((row) => [row.content, row]));
  const since = (await listEvents(db.sql, projectId)).length;

  await save(projectId, postId, ["old fish", "new fish", "red fish"], ben.userId);
  await analysed(projectId);
  const after = new Map((await rowsOf(postId)).map((row) => [row.content, row]));
  expect([...after.keys()].sort()).toEqual(["new fish", "old fish", "red fish"]);
  for (const content of ["old fish", "red fish"]) expect(after.get(content)).toEqual(before.get(content));
  expect(after.get("new fish")?.author_id).toBe(ben.userId);
  const events = (await listEvents(db.sql, projectId)).slice(since);
  expect(events.map((event) => [event.event, event.data])).toEqual([
    ["paragraphs.analysed", { ids: [after.get("new fish")?.id] }],
  ]);
  expect((await top(projectId, "fish"))[0]).toBe(3);
  expect(await top(projectId, "blue")).toEqual([0, []]);
});

test("[TXT-35] what does not change asks for no analysis and writes nothing", async () => {
  const [projectId, postId] = [await createProject(ada), newId()];
  await save(projectId, postId, ["same", "same", "other"]);
  await analysed(projectId);
  const countJobs = async () =>
    (
      await db.sql<{ n: number }>`SELECT count(*)::int AS n FROM (
        SELECT id FROM jobs WHERE project_id = ${projectId} UNION SELECT id FROM finished_jobs
        WHERE project_id = ${projectId}) AS j`
    )[0]?.n;
  const [rows, jobs] = [await rowsOf(postId), await countJobs()];
  await save(projectId, postId, ["other", "same", "same"]);
  expect(await rowsOf(postId)).toEqual(rows);
  expect(await countJobs()).toBe(jobs);
});

test("[TXT-35] after any edits the paragraphs are those of the body, and the counts are theirs", async () => {
  const chance = createChance("edits of a post");
  const [projectId, postId] = [await createProject(ada), newId()];
  const words = ["ox", "elk", "fox"];
  const sentence = () =>
    Array.from({ length: 1 + chance.below(4) }, () => words[chance.below(words.length)]).join(" ");
  let body: string[] = [];
  for (let round = 0; round < 30; round++) {
    body = body.filter(() => !chance.oneIn(3));
    for (let added = chance.below(4); added > 0; added--)
      body.splice(chance.below(body.length + 1), 0, sentence());
    await save(projectId, postId, body);
    if (chance.oneIn(8)) await analysed(projectId);
    expect((await contentsOf(postId)).sort()).toEqual([...body].sort());
  }
  await analysed(projectId);
  for (const word of words) {
    const count = body
      .join(" ")
      .split(" ")
      .filter((each) => each === word).length;
    expect([word, (await top(projectId, word))[0]]).toEqual([word, count]);
  }
});

test("[TXT-35] the counts are right however edits, analysis and folding fall together", async () => {
  const chance = createChance("edits meanwhile");
  const projectId = await createProject(ada);
  const words = ["ox", "elk", "fox", "yak"];
  const sentence = () => Array.from({ length: 4 }, () => words[chance.below(words.length)]).join(" ");
  const bodies = new Map(Array.from({ length: 4 }, () => [newId(), Array.from({ length: 200 }, sentence)]));
  const edit = async (postId: string) => {
    for (let round = 0; round < 12; round++) {
      const body = (bodies.get(postId) ?? []).map((each) => (chance.oneIn(10) ? sentence() : each));
      bodies.set(postId, body);
      await save(projectId, postId, body);
    }
  };
  for (const [postId, body] of bodies) await save(projectId, postId, body);
  // So many are folded into a segment.
  await analysed(projectId);
  await Promise.all([...bodies.keys()].map(edit));
  await analysed(projectId);
  const all = [...bodies.values()].flat().join(" ").split(" ");
  for (const word of words) {
    expect([word, (await top(projectId, word))[0]]).toEqual([
      word,
      all.filter((each) => each === word).length,
    ]);
  }
});

test("[TXT-35] a post of twenty thousand paragraphs goes as it came, and its words with it", async () => {
  const [projectId, postId] = [await createProject(ada), newId()];
  const paragraphs = Array.from({ length: 20_000 }, (_, number) => `gull ${number % 100}`);
  await save(projectId, postId, [...paragraphs, "gull stays"]);
  await analysed(projectId);
  expect((await top(projectId, "gull"))[0]).toBe(20_001);
  await save(projectId, postId, ["gull stays"]);
  expect([(await top(projectId, "gull"))[0], (await top(projectId, "99"))[0]]).toEqual([1, 0]);
});

test("[TXT-36] a paragraph of a post cannot be deleted alone", async () => {
  const [projectId, postId] = [await createProject(ada), newId()];
  await save(projectId, postId, ["one"]);
  const [row] = await rowsOf(postId);
  expect(await ada.call("DELETE", `/paragraphs/${row?.id}`)).toMatchObject({
    status: 409,
    body: { code: "PARAGRAPH_OF_POST" },
  });
  expect(await contentsOf(postId)).toEqual(["one"]);
});
