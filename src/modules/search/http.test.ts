import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  server = await openTestServer();
  [ada, ben] = await Promise.all([signUp(server), signUp(server)]);
});
afterAll(() => server.stop());

interface Item {
  readonly paragraph: { readonly id: string; readonly content: string };
  readonly score: number;
  readonly highlights: readonly (readonly [number, number])[];
}

async function handIn(projectId: string, paragraphs: readonly string[], via = ada): Promise<string[]> {
  const { status, body } = await via.call("POST", "/paragraphs", { paragraphs, project_id: projectId });
  expect(status).toBe(202);
  return (body.paragraphs as { id: string }[]).map(({ id }) => id);
}

async function search(projectId: string, q: string, more = "", via = ada) {
  const { status, body } = await via.call(
    "GET",
    `/search?project_id=${projectId}&q=${encodeURIComponent(q)}${more}`,
  );
  expect([status, body.detail]).toEqual([200, undefined]);
  const items = body.items as Item[];
  const marked = items.map(({ paragraph, highlights }) =>
    highlights.map(([start, end]) => paragraph.content.slice(start, end)),
  );
  return { body, items, contents: items.map(({ paragraph }) => paragraph.content), marked };
}

async function words(projectId: string, list: readonly string[], operator?: string) {
  const { status, body } = await ada.call("POST", "/search", {
    words: list,
    operator,
    project_id: projectId,
  });
  expect(status).toBe(200);
  return { contents: (body.paragraphs as { content: string }[]).map(({ content }) => content), body };
}

async function projectOf(...paragraphs: string[]): Promise<string> {
  const projectId = await createProject(ada);
  await handIn(projectId, paragraphs);
  return projectId;
}

test("[SRC-1] “one” never finds “none”, whatever the case, and any characters are safe", async () => {
  const texts = [
    "None of it.",
    "ONE of them.",
    "Nobody's a.b (one)?",
    "数据库检索系统",
    "it's 100% {odd} \\ 'quoted' 🐋",
  ];
  const projectId = await projectOf(...texts);
  expect((await words(projectId, ["one"])).contents.sort()).toEqual(["Nobody's a.b (one)?", "ONE of them."]);
  expect((await words(projectId, ["one", "them"], "and")).contents).toEqual(["ONE of them."]);
  expect((await words(projectId, ["none", "them"], "or")).body).toMatchObject({ total_count: 2 });
  for (const odd of ["'", '"', "%", "\\", ".*", "(", "🐋", "--", "*", "\u0001"]) {
    expect([odd, (await words(projectId, [odd])).body.total_count]).toEqual([odd, 0]);
  }
  expect((await words(projectId, ["{odd}", "'QUOTED'"])).contents).toEqual([texts[4] ?? ""]);
  expect((await words(projectId, ["检索"])).contents).toEqual(["数据库检索系统"]);
});

test("[SRC-2] the query language finds what it says", async () => {
  const projectId = await projectOf(
    "white whale",
    "whale white",
    "black whale",
    "white ship",
    "whalebone ships",
  );
  const find = async (q: string) => (await search(projectId, q)).contents.sort();
  expect(await find("white whale")).toEqual(["whale white", "white whale"]);
  expect(await find('"white whale"')).toEqual(["white whale"]);
  expect(await find("whale -white")).toEqual(["black whale"]);
  expect(await find("black OR ship")).toEqual(["black whale", "whalebone ships", "white ship"]);
  expect(await find("(black OR white) whale")).toEqual(["black whale", "whale white", "white whale"]);
  expect(await find("whal*")).toEqual(["black whale", "whale white", "whalebone ships", "white whale"]);
});

test("[SRC-3] a query that cannot be read says so and is searched as words", async () => {
  const projectId = await projectOf("white whale");
  const { body, contents } = await search(projectId, '"white whale');
  expect(contents).toEqual(["white whale"]);
  expect(body).toMatchObject({ parsed_as: "words", notice: "A quotation mark is not closed." });
  expect((await search(projectId, "white whale")).body).toMatchObject({ parsed_as: "query", notice: null });
});

test("[SRC-4] parts of words of scripts without spaces are found and marked as they stand", async () => {
  const projectId = await projectOf("我们的数据库检索系统", "ภาษาไทยง่าย");
  const { contents, marked } = await search(projectId, "库检");
  expect([contents, marked]).toEqual([["我们的数据库检索系统"], [["库检"]]]);
  expect((await search(projectId, "ไทย")).marked).toEqual([["ไทย"]]);
});

test("[SRC-9] stems are found after the word itself, and marked", async () => {
  const projectId = await projectOf("The whales swim by.", "The whale swims by.", "Two whaling boats.");
  const { contents, marked } = await search(projectId, "whale");
  expect(contents).toEqual(
    ["The whale swims by.", "The whales swim by.", "Two whaling boats."].slice(0, contents.length),
  );
  expect(contents.length).toBeGreaterThanOrEqual(2);
  expect(marked.slice(0, 2)).toEqual([["whale"], ["whales"]]);
  expect((await search(projectId, '"whale"')).contents).toEqual(["The whale swims by."]);
});

test("[SRC-6] a paragraph is found at its acknowledgement, and not after its deletion", async () => {
  const projectId = await createProject(ada);
  for (let round = 0; round < 5; round++) {
    const [id] = await handIn(projectId, [`the ${round}th leviathan`]);
    const found = (await search(projectId, "leviathan")).items.map(({ paragraph }) => paragraph.id);
    expect(found).toEqual([id ?? ""]);
    expect((await ada.call("DELETE", `/paragraphs/${id}`)).status).toBe(204);
    expect((await search(projectId, "leviathan")).items).toEqual([]);
  }
});

test("[SRC-7] nobody finds what he may not read", async () => {
  const projectId = await projectOf("a secret whale");
  const mine = await createProject(ben);
  const asked = await ben.call("GET", `/search?project_id=${projectId}&q=secret`);
  expect([asked.status, asked.body.code]).toEqual([404, "PROJECT_NOT_FOUND"]);
  expect((await search(mine, "secret", "", ben)).body.total_count).toBe(0);
  await share(ada, projectId, ben, "viewer");
  expect((await search(projectId, "secret", "", ben)).body.total_count).toBe(1);
});

test("[SRC-8] stop words are found and add nothing, unless there is nothing else", async () => {
  const projectId = await projectOf("the the the the ship", "a whale and the ship", "the sea");
  const { contents, items } = await search(projectId, "the OR whale");
  expect(contents[0]).toBe("a whale and the ship");
  expect(items.map(({ score }) => score > 0)).toEqual([true, false, false]);
  expect((await search(projectId, "the")).items.every(({ score }) => score > 0)).toBe(true);
});

test("[SRC-10] newest first, most occurrences first", async () => {
  const projectId = await createProject(ada);
  const texts = ["sea sea sea and much else that is long", "sea", "sea sea"];
  for (const text of texts) await handIn(projectId, [text]);
  expect((await search(projectId, "sea", "&sort=newest")).contents).toEqual([
    "sea sea",
    "sea",
    texts[0] ?? "",
  ]);
  const counted = await search(projectId, "sea", "&sort=count");
  expect(counted.items.map(({ score }) => score)).toEqual([3, 2, 1]);
});

test("[SRC-11] pages neither skip nor repeat while paragraphs arrive and go", async () => {
  const projectId = await createProject(ada);
  const first = await handIn(
    projectId,
    Array.from({ length: 60 }, (_, nth) => `the ${"wide ".repeat(nth % 7)}sea ${nth}`),
  );
  const doomed = new Set<string>();
  for (const sort of ["relevance", "newest", "count"]) {
    const seen: string[] = [];
    let cursor: unknown = "";
    while (cursor !== null) {
      const { body, items } = await search(
        projectId,
        "sea",
        `&sort=${sort}&limit=7${cursor ? `&cursor=${cursor}` : ""}`,
      );
      seen.push(...items.map(({ paragraph }) => paragraph.id));
      cursor = body.next_cursor;
      await handIn(projectId, ["sea", "another sea", "sea sea sea"]);
      const going = first.find((id) => !doomed.has(id) && !seen.includes(id));
      if (going) {
        await ada.call("DELETE", `/paragraphs/${going}`);
        doomed.add(going);
      }
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(first.filter((id) => !doomed.has(id) && !seen.includes(id))).toEqual([]);
  }
  const wrong = await ada.call(
    "GET",
    `/search?q=sea&sort=newest&cursor=${Buffer.from('["count",1,"x"]').toString("base64url")}`,
  );
  expect([wrong.status, wrong.body.code]).toEqual([422, "INVALID_CURSOR"]);
});

test("[SRC-13] hits are narrowed by author, language, post and time, and counted by them", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  await handIn(projectId, ["The whale is in the sea.", "Der Wal ist in der See, sagt the whale."]);
  await handIn(projectId, ["A whale by Ben."], ben);
  const post = await ada.call("POST", "/posts", {
    title: "W",
    body: "A whale in a post.",
    project_id: projectId,
  });
  const all = await search(projectId, "whale", "&facets=author,lang,post");
  expect(all.body).toMatchObject({ total_count: 4, total_is_exact: true });
  expect(all.body.facets).toEqual({
    author: [
      { value: ada.userId, count: 3 },
      { value: ben.userId, count: 1 },
    ],
    lang: [
      { value: "en", count: 3 },
      { value: "de", count: 1 },
    ],
    post: [{ value: post.body.id, count: 1 }],
  });
  expect((await search(projectId, "whale", "&author=me", ben)).contents).toEqual(["A whale by Ben."]);
  expect((await search(projectId, "whale", "&lang=de")).body.total_count).toBe(1);
  expect((await search(projectId, "whale", `&post=${post.body.id}`)).contents).toEqual([
    "A whale in a post.",
  ]);
  const today = new Date().toISOString().slice(0, 10);
  expect((await search(projectId, "whale", `&from=${today}&to=${today}`)).body.total_count).toBe(4);
  expect((await search(projectId, "whale", "&to=2020-01-01")).body.total_count).toBe(0);
  const wrong = await ada.call("GET", "/search?q=a&facets=author,colour");
  expect(wrong.status).toBe(422);
});

test("[SRC-15] misspelt words are found when nothing else is, and marked", async () => {
  const projectId = await projectOf("The leviathan swims.", "A whale sings.", "A wheel turns.");
  const swapped = await search(projectId, "levaithan");
  expect([swapped.contents, swapped.marked]).toEqual([["The leviathan swims."], [["leviathan"]]]);
  expect(swapped.body).toMatchObject({ is_fuzzy: true });
  expect((await search(projectId, "whael", "&fuzzy=0")).body).toMatchObject({
    total_count: 0,
    is_fuzzy: false,
  });
  // Asked for, also beside hits; what is exact comes first.
  const asked = await search(projectId, "wheel", "&fuzzy=1");
  expect(asked.contents[0]).toBe("A wheel turns.");
  // Three letters are too few to guess.
  expect((await search(projectId, "whl")).body.total_count).toBe(0);
});

test("[SRC-17] the most frequent words that begin so are suggested", async () => {
  const projectId = await projectOf("whale whale", "a whale", "a wharf", "White whales");
  const ask = async (q: string) =>
    (await ada.call("GET", `/search/suggest?project_id=${projectId}&q=${encodeURIComponent(q)}`)).body.items;
  expect(await ask("the Wh")).toEqual([
    { text: "the whale", word: "whale", paragraph_count: 2 },
    { text: "the whales", word: "whales", paragraph_count: 1 },
    { text: "the wharf", word: "wharf", paragraph_count: 1 },
    { text: "the white", word: "white", paragraph_count: 1 },
  ]);
  expect(await ask("the ")).toEqual([]);
  expect(await ask("🐋")).toEqual([]);
});

test("[SRC-5] the language of a paragraph decides its stems", async () => {
  const projectId = await projectOf(
    "Die Häuser der Stadt sind nicht groß.",
    "The houses of the city are not big.",
  );
  await until("both to be analysed", async () => {
    const { body } = await ada.call("GET", `/paragraphs?project_id=${projectId}&status=analysed`);
    return (body.items as unknown[]).length === 2;
  });
  expect((await search(projectId, "haus")).marked).toEqual([["Häuser"]]);
  expect((await search(projectId, "house")).marked).toEqual([["houses"]]);
});

test("[SRC-2] a query of too many words is refused", async () => {
  const { status, body } = await ada.call("GET", `/search?q=${"a+".repeat(400)}`);
  expect([status, body.code]).toEqual([422, "QUERY_TOO_LONG"]);
});

test("[SRC-16] unknown words of a query without hits are put right", async () => {
  const projectId = await projectOf("The leviathan swims.", "A whale sings.", "A wheel turns, a whale too.");
  const proposal = async (q: string) => (await search(projectId, q)).body.did_you_mean;
  expect(await proposal("levaithan")).toBe("leviathan");
  expect(await proposal("Whael -SINGS 🐋 swimz")).toBe("whale -SINGS 🐋 swims");
  expect(await proposal("whale")).toBeNull();
  expect(await proposal("qqqqqqqq")).toBeNull();
});

test("[SRC-12] all hits are counted, however few are on the page", async () => {
  const projectId = await createProject(ada);
  await handIn(
    projectId,
    Array.from({ length: 250 }, (_, nth) => (nth % 5 === 0 ? "a rare thing" : "a thing")),
  );
  expect((await search(projectId, "thing", "&limit=1")).body).toMatchObject({
    total_count: 250,
    total_is_exact: true,
  });
  expect((await search(projectId, "thing rare", "&limit=1")).body.total_count).toBe(50);
  expect((await words(projectId, ["rare", "thing"], "or")).body.total_count).toBe(250);
});

test("[SRC-14] highlights are UTF-16 offsets of each word that matched, and of no other", async () => {
  const projectId = await projectOf("🐋🐋 The WHITE, white whale’s white whales — ﬁne! Whitest.");
  const marked = async (q: string) => (await search(projectId, q)).marked;
  expect(await marked("white")).toEqual([["WHITE", "white", "white"]]);
  expect(await marked('"white whales"')).toEqual([["white", "whales"]]);
  expect(await marked("whit* -black")).toEqual([["WHITE", "white", "white", "Whitest"]]);
  expect(await marked("fine OR nowhere")).toEqual([["ﬁne"]]);
  expect(await marked("whiet")).toEqual([["WHITE", "white", "white"]]);
});
