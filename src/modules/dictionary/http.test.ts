import { afterAll, beforeAll, expect, test } from "bun:test";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
let projectId: string;

interface Word {
  readonly word: string;
  readonly count: number;
  readonly lemma: string | null;
  readonly definitions: string[];
}

/** How often each word occurs in them is told by its number. */
const TEXTS = ["the the the the the of of of of whales whales whales ran ran zyzzyq", "The sea"];

beforeAll(async () => {
  // A cache whose second level is away: all of this suite must work with it.
  server = await openTestServer({ environment: { REDIS_URL: "redis://127.0.0.1:1" } });
  [ada, ben] = [await signUp(server), await signUp(server)];
  projectId = await createProject(ada);
  await share(ada, projectId, ben, "viewer");
  await handIn(...TEXTS);
});
afterAll(() => server.stop());

async function handIn(...paragraphs: string[]): Promise<void> {
  await ada.call("POST", "/paragraphs", { paragraphs, project_id: projectId });
  await until("all to be analysed", async () => {
    const { body } = await ada.call("GET", `/paragraphs?project_id=${projectId}&status=pending`);
    return (body.items as unknown[]).length === 0;
  });
}

const ask = (person: Person, query: string, headers?: Record<string, string>) =>
  person.call("GET", `/dictionary?project_id=${projectId}&${query}`, undefined, headers);
const wordsOf = ({ body }: { body: Record<string, unknown> }) => body.words as Word[];
const counts = (words: readonly Word[]) => words.map(({ word, count }) => `${word} ${count}`);

test("[DIC-1] the most frequent words, then by letters, with or without words of grammar", async () => {
  expect(counts(wordsOf(await ask(ben, "limit=5")))).toEqual(["the 6", "of 4", "whales 3", "ran 2", "sea 1"]);
  const without = counts(wordsOf(await ask(ben, "limit=1000&stop_words=exclude")));
  expect(without).toEqual(["whales 3", "ran 2", "sea 1", "zyzzyq 1"]);
  expect(wordsOf(await ada.call("GET", "/dictionary"))).toEqual([]);
  for (const query of ["limit=0", "limit=1001", "stop_words=some", "other=1"])
    expect([query, (await ask(ada, query)).status]).toEqual([query, 422]);
});

test("[DIC-10] each with what it means; a word nobody knows has no definitions", async () => {
  const words = Object.fromEntries(wordsOf(await ask(ada, "limit=6")).map((each) => [each.word, each]));
  expect(words.the).toMatchObject({ lemma: "the", part_of_speech: "article", source: "grammar" });
  expect(words.whales).toMatchObject({
    lemma: "whale",
    part_of_speech: "noun",
    source: "wordnet",
    phonetic: null,
  });
  expect(words.whales?.definitions.length).toBe(2);
  expect(words.ran).toMatchObject({ lemma: "run", part_of_speech: "verb" });
  expect(words.zyzzyq).toEqual({
    word: "zyzzyq",
    count: 1,
    lemma: null,
    definitions: [],
    phonetic: null,
    part_of_speech: null,
    source: null,
  } as unknown as Word);
});

test("[DIC-2] the second answer is cached and of the same moment; who has it already is told so", async () => {
  const first = await ask(ada, "limit=7");
  const second = await ask(ada, "limit=7");
  expect([second.body.cached, second.body.computed_at]).toEqual([true, first.body.computed_at]);
  const etag = second.headers.get("ETag") ?? "";
  expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
  for (const tags of [etag, `"other", ${etag}`, "*", etag.slice(2)]) {
    const same = await ask(ben, "limit=7", { "If-None-Match": tags });
    expect([tags, same.status, same.body, same.headers.get("ETag")]).toEqual([tags, 304, {}, etag]);
  }
  expect((await ask(ben, "limit=7", { "If-None-Match": `"other"` })).status).toBe(200);
});

test("[DIC-3] what is cached is given to members alone", async () => {
  const stranger = await signUp(server);
  expect((await ask(ada, "limit=3")).status).toBe(200);
  const refused = await ask(stranger, "limit=3");
  expect([refused.status, refused.body.code]).toEqual([404, "PROJECT_NOT_FOUND"]);
});

test("[DIC-4] an answer that was asked for is made anew when text was analysed", async () => {
  const before = await ask(ada, "limit=2");
  await handIn("of of of of of of of of of of");
  const fresh = await until(
    "the new counts",
    async () => {
      const answer = await ask(ada, "limit=2");
      return wordsOf(answer)[0]?.word === "of" && answer;
    },
    { withinMs: 20_000 },
  );
  expect(counts(wordsOf(fresh))).toEqual(["of 14", "the 6"]);
  // Asking alone gives the old one until it expires. Counted while the first who saw it was asking, it is cached for the next.
  const next = await ask(ada, "limit=2");
  expect([next.body.cached, next.body.computed_at]).toEqual([true, fresh.body.computed_at]);
  expect(String(fresh.body.computed_at) > String(before.body.computed_at)).toBe(true);
});

test("[DIC-5] with a cache that is away all answers come from the database", async () => {
  const tookMs = await bestOf(2_000, (round) =>
    msOf(async () => expect((await ask(ada, `limit=${90 + round}&stop_words=exclude`)).status).toBe(200)),
  );
  expect(tookMs).toBeLessThan(2_000);
});

test("[DIC-20] all about one word, in any form of its letters", async () => {
  const today = new Date().toISOString().slice(0, 10);
  const { status, body } = await ben.call("GET", `/dictionary/WHALES?project_id=${projectId}`);
  const [first] = body.paragraphs as { count: number; content: string }[];
  expect([status, body.word, body.count, body.paragraph_count, body.lemma, first?.content]).toEqual([
    200,
    "whales",
    3,
    1,
    "whale",
    TEXTS[0],
  ]);
  expect(body.by_day).toEqual([{ day: today, paragraphs: 1, count: 3 }]);
  const none = await ben.call("GET", `/dictionary/harpoons?project_id=${projectId}`);
  expect(none.body).toMatchObject({
    count: 0,
    paragraph_count: 0,
    by_day: [],
    paragraphs: [],
    lemma: "harpoon",
  });
  const several = await ben.call("GET", `/dictionary/two%20words?project_id=${projectId}`);
  expect([several.status, several.body.code]).toEqual([422, "WORD_NOT_SINGLE"]);
  const short = await ben.call("GET", `/dictionary/the?project_id=${projectId}&limit=0`);
  expect(short.body.paragraphs).toEqual([]);
});
