import { afterAll, beforeAll, expect, test } from "bun:test";
import { newStemmer } from "snowball-stemmers";
import { createChance } from "../../testing/chance.ts";
import { createProject, type Person, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer();
  ada = await signUp(server);
});
afterAll(() => server.stop());

const STEMS = "flow plate wing heat layer bound model speed shock pressure engine nozzle".split(" ");
const ENDINGS = ["", "", "s", "ing", "ed"];
const STOP_WORDS = "a an and are as at be but by for if in into is it no not of on or such that the".split(
  " ",
);
const stemmer = newStemmer("english");

interface Text {
  readonly content: string;
  readonly stems: readonly string[];
}

/** BM25 as in a textbook: over stems, without stop words, k1 1.2, b 0.75, idf ln(1 + (N - n + 0.5) / (n + 0.5)). */
function textbookScores(texts: readonly Text[], question: readonly string[]): Map<string, number> {
  const average = texts.reduce((sum, { stems }) => sum + stems.length, 0) / texts.length;
  const wanted = question.filter((word) => !STOP_WORDS.includes(word)).map((word) => stemmer.stem(word));
  const scores = new Map<string, number>();
  for (const { content, stems } of texts) {
    let score = 0;
    for (const stem of wanted) {
      const count = stems.filter((each) => each === stem).length;
      const having = texts.filter((text) => text.stems.includes(stem)).length;
      const idf = Math.log(1 + (texts.length - having + 0.5) / (having + 0.5));
      score += (idf * count) / (count + 1.2 * (0.25 + (0.75 * stems.length) / average));
    }
    scores.set(content, score);
  }
  return scores;
}

test("[SRC-20] a list of words, or a sentence with operator=or, is ranked by the BM25 of a textbook", async () => {
  const chance = createChance("ranking");
  const pick = (list: readonly string[]) => list[chance.below(list.length)] ?? "";
  // Squared: some words are rare, and others in most texts.
  const word = () => (STEMS[Math.floor(chance.next() ** 2 * STEMS.length)] ?? "") + pick(ENDINGS);
  const texts = Array.from({ length: 300 }, (_, nth): Text => {
    const words = Array.from({ length: 3 + chance.below(30) }, () =>
      chance.oneIn(3) ? pick(STOP_WORDS) : word(),
    );
    // Each different from all others, by a word that nobody asks for.
    const scored = [...words.filter((each) => !STOP_WORDS.includes(each)), `x${nth}`];
    return { content: `${words.join(" ")} x${nth}`, stems: scored.map((each) => stemmer.stem(each)) };
  });
  const projectId = await createProject(ada);
  const body = { paragraphs: texts.map(({ content }) => content), lang: "en", project_id: projectId };
  expect((await ada.call("POST", "/paragraphs", body)).status).toBe(202);

  for (let round = 0; round < 12; round++) {
    const question = Array.from({ length: 10 + chance.below(10) }, () =>
      chance.oneIn(3) ? pick(STOP_WORDS) : word(),
    );
    const scores = textbookScores(texts, question);
    const listed = await ada.call("POST", "/search", {
      words: question,
      operator: "or",
      limit: 100,
      project_id: projectId,
    });
    const q = encodeURIComponent(`What ${question.join(" ")}?`);
    const asked = await ada.call("GET", `/search?project_id=${projectId}&q=${q}&operator=or&limit=100`);
    const lists = [
      (listed.body.paragraphs as { content: string }[]).map(({ content }) => content),
      (asked.body.items as { paragraph: { content: string } }[]).map(({ paragraph }) => paragraph.content),
    ];
    const best = Math.max(...scores.values());
    const scored = question.filter((each) => !STOP_WORDS.includes(each)).length;
    const stemFactor = 1 - 0.9 / scored ** 2;
    for (const contents of lists) {
      expect(contents.length).toBe(100);
      const found = contents.map((content) => scores.get(content) ?? Number.NaN);
      expect(found[0]).toBeGreaterThan(best * stemFactor * 0.999);
      // Neighbours may only be swapped where they are all but equal: of two, the one with the words themselves is ahead.
      for (const [index, score] of found.entries())
        expect((score / stemFactor) * 1.001).toBeGreaterThanOrEqual(found[index + 1] ?? 0);
    }
  }
});

test("[SRC-9] of a single word its own form comes first, however short and full the others are", async () => {
  const projectId = await createProject(ada);
  const long = `One whale in ${"a text that goes on and on about the sea and its ships ".repeat(3)}`;
  const paragraphs = ["Whales, whales, whales.", "Whaling.", "Whales!", long, "No fish here."];
  await ada.call("POST", "/paragraphs", { paragraphs, lang: "en", project_id: projectId });
  const { body } = await ada.call("GET", `/search?project_id=${projectId}&q=whale`);
  const contents = (body.items as { paragraph: { content: string } }[]).map(
    ({ paragraph }) => paragraph.content,
  );
  expect(contents).toEqual(
    [long, "Whales, whales, whales.", "Whales!", "Whaling."].slice(0, contents.length),
  );
  expect(contents.length).toBeGreaterThanOrEqual(3);
});

test("[SRC-1] a list of words finds only what has them as they are, and ranks it by stems and parts", async () => {
  const projectId = await createProject(ada);
  const paragraphs = [
    "A whale.",
    "Two whales and a sea.",
    "Whales, high above the speed limit.",
    "One whale, other whales, the sea.",
  ];
  await ada.call("POST", "/paragraphs", { paragraphs, lang: "en", project_id: projectId });
  const find = async (words: readonly string[], operator: string) => {
    const { body } = await ada.call("POST", "/search", { words, operator, project_id: projectId });
    return [body.total_count, (body.paragraphs as { content: string }[]).map(({ content }) => content)];
  };
  expect(await find(["whale", "sea"], "and")).toEqual([1, [paragraphs[3]]]);
  // None has both words; the first has a stem of the other, and so comes before the shorter one.
  expect(await find(["whale", "two"], "or")).toEqual([3, [paragraphs[1], paragraphs[0], paragraphs[3]]]);
  expect(await find(["high-speed"], "or")).toEqual([0, []]);
});

test("[SRC-20] of few hits among many paragraphs with a stem, only those that have it gain by it", async () => {
  const projectId = await createProject(ada);
  const others = Array.from({ length: 60 }, () => "Whales over there.");
  // Of equal ones the newer would come first.
  const paragraphs = [...others, "Nautical whales here.", "Nautical shores here.", ...others.slice(1)];
  await ada.call("POST", "/paragraphs", { paragraphs, lang: "en", project_id: projectId });
  const asked = { words: ["nautical", "whaled"], operator: "or", project_id: projectId };
  const { body } = await ada.call("POST", "/search", asked);
  expect((body.paragraphs as { content: string }[]).map(({ content }) => content)).toEqual([
    "Nautical whales here.",
    "Nautical shores here.",
  ]);
});

test("[SRC-11] a list of words is read page by page, whichever case its operator has", async () => {
  const projectId = await createProject(ada);
  const paragraphs = Array.from({ length: 25 }, (_, nth) => `the ${"wide ".repeat(nth % 5)}sea`);
  await ada.call("POST", "/paragraphs", { paragraphs, lang: "en", project_id: projectId });
  const seen: string[] = [];
  for (let cursor: unknown, pages = 0; cursor !== null && pages < 5; pages++) {
    const asked = { words: ["wide", "sea"], operator: "OR", limit: 10, cursor, project_id: projectId };
    const { body } = await ada.call("POST", "/search", asked);
    expect(body.total_count).toBe(25);
    seen.push(...(body.paragraphs as { id: string }[]).map(({ id }) => id));
    cursor = body.next_cursor;
  }
  expect([seen.length, new Set(seen).size]).toEqual([25, 25]);
  const wrong = await ada.call("POST", "/search", { words: ["sea"], cursor: "nonsense" });
  expect([wrong.status, wrong.body.code]).toEqual([422, "INVALID_CURSOR"]);
});

test("[SRC-19] when no paragraph has all of many words, those that have some are shown, and the answer says so", async () => {
  const projectId = await createProject(ada);
  const paragraphs = ["The white whale sings at night.", "A ship at night.", "Nothing of it."];
  await ada.call("POST", "/paragraphs", { paragraphs, lang: "en", project_id: projectId });
  const ask = async (q: string, more = "") => {
    const { body } = await ada.call(
      "GET",
      `/search?project_id=${projectId}&q=${encodeURIComponent(q)}${more}`,
    );
    const contents = (body.items as { paragraph: { content: string } }[]).map(
      (item) => item.paragraph.content,
    );
    return { contents, body };
  };
  const question = "Why does the white whale sing under-water (at night)?";
  const relaxed = await ask(question);
  expect(relaxed.body).toMatchObject({ operator: "or", parsed_as: "query", total_count: 2 });
  expect(relaxed.contents).toEqual(paragraphs.slice(0, 2));
  // Said outright it is not relaxed; nor are few words.
  expect((await ask(question, "&operator=and&fuzzy=0")).body).toMatchObject({
    operator: "and",
    total_count: 0,
  });
  expect((await ask("white whale under water", "&fuzzy=0")).body.total_count).toBe(0);

  // What the first page settles holds for the others, though by then some paragraph has all words.
  const first = await ask(question, "&limit=1");
  await ada.call("POST", "/paragraphs", { paragraphs: [question], lang: "en", project_id: projectId });
  const second = await ask(question, `&limit=1&cursor=${first.body.next_cursor}`);
  expect([...first.contents, ...second.contents]).toEqual(paragraphs.slice(0, 2));
  expect(second.body).toMatchObject({ operator: "or" });
});
