import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../../kernel/ids/index.ts";
import { createProject, type Person, share, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";
import { until } from "../../../testing/until.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
let projectId: string;
let ids: string[];

const TEXTS = [
  "The whale, the whale! A whale?",
  "No fish here.",
  "the the the the",
  "Whale and WHALE.",
  "whale and ＷＨＡＬＥ",
  "数据库检索系统需要分词。数据",
];

beforeAll(async () => {
  server = await openTestServer();
  [ada, ben] = await Promise.all([signUp(server), signUp(server)]);
  projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  ids = [...(await handIn(ada, ...TEXTS)), ...(await handIn(ben, "whale whale whale whale"))];
  await allAnalysed();
});
afterAll(() => server.stop());

async function handIn(person: Person, ...paragraphs: string[]): Promise<string[]> {
  const { body } = await person.call("POST", "/paragraphs", { paragraphs, project_id: projectId });
  return (body.paragraphs as { id: string }[]).map(({ id }) => id);
}

const allAnalysed = () =>
  until("all to be analysed", async () => {
    const { body } = await ada.call("GET", `/paragraphs?project_id=${projectId}&status=pending`);
    return (body.items as unknown[]).length === 0;
  });

/** Place in `ids` and count of each, and the totals. */
async function top(person: Person, query: string) {
  const { status, body } = await person.call("GET", `/paragraphs/top?project_id=${projectId}&${query}`);
  expect(status).toBe(200);
  const items = body.items as { paragraph: { id: string; status: string }; count: number }[];
  return {
    word: body.word,
    items: items.map(({ paragraph, count }) => [ids.indexOf(paragraph.id), count]),
    totals: [body.total_count, body.paragraph_count],
  };
}

test("[TXT-29] most occurrences first, then the oldest, with the totals of all", async () => {
  expect(await top(ben, "word=whale")).toEqual({
    word: "whale",
    items: [
      [6, 4],
      [0, 3],
      [3, 2],
      [4, 2],
    ],
    totals: [11, 4],
  });
  expect(await top(ada, "word=the&limit=1")).toEqual({ word: "the", items: [[2, 4]], totals: [6, 2] });
  expect(await top(ada, "word=squid")).toEqual({ word: "squid", items: [], totals: [0, 0] });
  const { body } = await ada.call("GET", `/paragraphs/top?word=fish&project_id=${projectId}`);
  const [found] = body.items as { paragraph: object }[];
  expect(found?.paragraph).toEqual((await ada.call("GET", `/paragraphs/${ids[1]}`)).body);
});

test("[TXT-29] of one author alone", async () => {
  expect(await top(ben, "word=whale&author=me")).toEqual({ word: "whale", items: [[6, 4]], totals: [4, 1] });
  expect((await top(ben, `word=whale&author=${ada.userId}`)).totals).toEqual([7, 3]);
  expect((await top(ben, `word=whale&author=${newId()}`)).totals).toEqual([0, 0]);
});

test("[TXT-29] without a project it is one's own that is asked", async () => {
  const { body } = await ada.call("GET", "/paragraphs/top?word=whale");
  expect([body.total_count, body.items]).toEqual([0, []]);
});

test("[TXT-30] the word may have any form", async () => {
  for (const word of ["WHALE", "  Whale! ", "ｗｈａｌｅ", "wha\u00adle"]) {
    expect((await top(ada, `word=${encodeURIComponent(word)}`)).totals).toEqual([11, 4]);
  }
  expect(await top(ada, `word=${encodeURIComponent("数据")}`)).toMatchObject({ items: [[5, 2]] });
});

test("[TXT-30] what is no single word is refused with a sentence", async () => {
  const cases: [query: string, code: string][] = [
    ["word=white%20whale", "WORD_NOT_SINGLE"],
    ["word=well-known", "WORD_NOT_SINGLE"],
    [`word=${encodeURIComponent("检索数据")}`, "WORD_NOT_SINGLE"],
    ["word=...", "WORD_MISSING"],
    ["word=%20", "WORD_MISSING"],
    ["word=", "INVALID_INPUT"],
    ["", "INVALID_INPUT"],
    ["word=a&limit=0", "INVALID_INPUT"],
    ["word=a&limit=101", "INVALID_INPUT"],
    ["word=a&author=you", "INVALID_INPUT"],
    ["word=a&fuzzy=1", "INVALID_INPUT"],
    ["word=a%00b", "INVALID_TEXT"],
  ];
  for (const [query, code] of cases) {
    const answer = await ada.call("GET", `/paragraphs/top?${query}`);
    expect([query, answer.status, answer.body.code]).toEqual([query, 422, code]);
  }
});

test("[TXT-14] a deleted paragraph takes its counts along at once", async () => {
  const [id] = await handIn(ada, "squid squid");
  await allAnalysed();
  expect((await top(ada, "word=squid")).totals).toEqual([2, 1]);
  await ada.call("DELETE", `/paragraphs/${id}`);
  expect(await top(ada, "word=squid")).toEqual({ word: "squid", items: [], totals: [0, 0] });
});

test("[TXT-12] an analysed paragraph says how many words it has", async () => {
  expect((await ada.call("GET", `/paragraphs/${ids[0]}`)).body).toMatchObject({
    status: "analysed",
    word_count: 6,
  });
  const { body } = await ada.call("GET", `/paragraphs?project_id=${projectId}&status=analysed&limit=100`);
  expect(body.items).toHaveLength(7);
});

test("[TXT-120] a language that is given stays, else it is recognised", async () => {
  const project_id = await createProject(ada);
  const langOf = async (body: object) => {
    const stored = await ada.call("POST", "/paragraphs", { project_id, ...body });
    expect(stored.status).toBe(202);
    const [first] = stored.body.paragraphs as { id: string }[];
    const read = () => ada.call("GET", `/paragraphs/${first?.id}`);
    await until("it to be analysed", async () => (await read()).body.status === "analysed");
    return (await read()).body.lang;
  };
  expect(await langOf({ paragraphs: ["It was the best of times."] })).toBe("en");
  expect(await langOf({ paragraphs: ["It was the best of times."], lang: "fr" })).toBe("fr");
  const wrong = await ada.call("POST", "/paragraphs", { project_id, paragraphs: ["a"], lang: "English" });
  expect(wrong.status).toBe(422);
});
