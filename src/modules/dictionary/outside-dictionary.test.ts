import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { inOneOf } from "../../testing/best-of.ts";
import { createProject, type Person, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { type DictionaryApi, type Mood, startDictionaryApi } from "./testing/dictionary-api.ts";

/** Half a second, and a machine that has other things to do. One that stalls for longer is why most of it may be done anew. */
const BOUND_MS = 1_500;
/** In WordNet, too. */
const WORDS = ["whale", "ship", "sea", "harpoon", "captain", "mast", "wave", "gull", "storm", "anchor"];

const started: { api: DictionaryApi; server: TestServer }[] = [];
afterEach(async () => {
  for (const { api, server } of started.splice(0)) {
    await server.kernel.stop();
    api.stop();
  }
});

const secretKey = Buffer.alloc(32, 9).toString("base64");
let base: TestServer;
let ada: Person;
beforeAll(async () => {
  base = await openTestServer({ secretKey });
  ada = await signUp(base);
});
afterAll(() => base.stop());

/** A server of its own with a service of its own: circuits and caches are those of a process. */
async function open(mood: Mood = "well", environment: Record<string, string> = {}) {
  const api = startDictionaryApi();
  api.mood = mood;
  const settings = { DICTIONARY_API_URL: api.url, ...environment };
  const server = await openTestServer({ db: base.db, secretKey, works: false, environment: settings });
  started.push({ api, server });
  const call = async (path: string) => {
    const startedMs = performance.now();
    const response = await server.fetch(
      new Request(`http://stoa.test/api/v1${path}`, { headers: { Authorization: `Bearer ${ada.token}` } }),
    );
    const body = (await response.json()) as Record<string, unknown>;
    return { status: response.status, body, tookMs: performance.now() - startedMs };
  };
  return { api, call };
}

async function projectOf(words: readonly string[]): Promise<string> {
  const projectId = await createProject(ada);
  const text = words.flatMap((word, index) => Array(words.length - index).fill(word)).join(" ");
  await ada.call("POST", "/paragraphs", { paragraphs: [text], project_id: projectId });
  await until("it to be analysed", async () => {
    const { body } = await ada.call("GET", `/texts/statistics?project_id=${projectId}`);
    return body.paragraphs === 1;
  });
  return projectId;
}

interface Word {
  readonly word: string;
  readonly source: string | null;
  readonly definitions: string[];
}
const sources = (body: Record<string, unknown>) => (body.words as Word[]).map(({ source }) => source);
const all = (source: string) => WORDS.map(() => source);
/** Everything is kept for a second. */
const BRIEF = { DICTIONARY_ANSWER_SECONDS: "1", DICTIONARY_DEFINITION_SECONDS: "1" };

test("[DIC-14] the service goes first, with phonetics; what it does not know WordNet or nobody defines", async () => {
  await inOneOf(async () => {
    const { api, call } = await open();
    const projectId = await projectOf(["whale", "zyzzyva", "zyzzq", "l'été"]);
    const { body } = await call(`/dictionary?project_id=${projectId}`);
    expect((body.words as Word[])[0]).toEqual({
      word: "whale",
      count: 4,
      lemma: "whale",
      definitions: ["A whale."],
      phonetic: "/whale/",
      part_of_speech: "noun",
      source: "service",
    } as Word);
    expect(sources(body)).toEqual(["service", null, null, "service"]);
    expect(api.asked.toSorted()).toEqual(["l'été", "whale", "zyzzq", "zyzzyva"]);
  });
});

test("[DIC-14] fifty that want a word at once make one call, and later ones none", async () => {
  await inOneOf(async () => {
    const { api, call } = await open();
    const fifty = await Promise.all(Array.from({ length: 50 }, () => call("/dictionary/whale")));
    expect(new Set(fifty.map(({ body }) => JSON.stringify(body.definitions)))).toEqual(
      new Set(['["A whale."]']),
    );
    const projectId = await projectOf(["whale", "ship"]);
    await Promise.all(Array.from({ length: 50 }, () => call(`/dictionary?project_id=${projectId}`)));
    await call(`/dictionary?project_id=${projectId}&limit=2`);
    expect(api.asked).toEqual(["whale", "ship"]);
  });
});

test("[DIC-14] few words are asked for at once", async () => {
  const { api, call } = await open();
  const words = Array.from({ length: 60 }, (_, index) => `word${index}`);
  const projectId = await projectOf(words);
  const { body } = await call(`/dictionary?project_id=${projectId}&limit=60`);
  expect([(body.words as Word[]).length, api.mostAtOnce() <= 4]).toEqual([60, true]);
});

test.each(["failing", "silent", "no json", "other json", "endless", "redirecting"] as const)(
  "[DIC-15] a service that is %s: WordNet defines, soon, and it is left alone after a few calls",
  async (mood) => {
    await inOneOf(async () => {
      const projectId = await projectOf(WORDS);
      const { api, call } = await open(mood);
      const { status, body, tookMs } = await call(`/dictionary?project_id=${projectId}`);
      expect([status, sources(body)]).toEqual([200, all("wordnet")]);
      expect(tookMs).toBeLessThan(BOUND_MS);
      const word = await call("/dictionary/lighthouse");
      expect([word.status, word.body.source, word.tookMs < BOUND_MS]).toEqual([200, "wordnet", true]);
      // Five failures in a row open the circuit; three more were under way.
      expect(api.asked.length).toBeWithin(1, 9);
    });
  },
);

test("[DIC-15] with nobody at the other end at all", async () => {
  await inOneOf(async () => {
    const { api, call } = await open();
    api.stop();
    const { status, body, tookMs } = await call("/dictionary/whale");
    expect([status, body.source, tookMs < BOUND_MS]).toEqual([200, "wordnet", true]);
  });
});

test("[DIC-15] what the service said before is kept in use while it is down, and [DIC-17] renewed when it is back", async () => {
  await inOneOf(async () => {
    const { api, call } = await open("well", BRIEF);
    const first = await call("/dictionary/whale");
    expect(first.body.source).toBe("service");
    const over = Date.now() + 1_050;
    api.mood = "failing";
    await until("its time to be over", () => Date.now() > over);
    const meanwhile = await call("/dictionary/whale");
    expect([meanwhile.body.source, meanwhile.body.definitions, api.asked.length]).toEqual([
      "service",
      ["A whale."],
      2,
    ]);
    api.mood = "well";
    await until("it to be asked again", async () => {
      const { body } = await call("/dictionary/whale");
      return body.source === "service" && api.asked.length > 2;
    });
  });
});

test("[DIC-17] a service that was down defines again soon after it is back", async () => {
  const projectId = await projectOf(["whale", "ship"]);
  const { api, call } = await open("failing", BRIEF);
  expect(sources((await call(`/dictionary?project_id=${projectId}`)).body)).toEqual(["wordnet", "wordnet"]);
  api.mood = "well";
  await until("its definitions", async () => {
    const { body } = await call(`/dictionary?project_id=${projectId}`);
    return sources(body).every((source) => source === "service");
  });
});

test("[DIC-16] one that asks for a pause has it, and is asked again after it", async () => {
  await inOneOf(async () => {
    const { api, call } = await open("strict", BRIEF);
    const pausedMs = Date.now();
    for (const word of WORDS) expect((await call(`/dictionary/${word}`)).body.source).toBe("wordnet");
    expect(api.asked).toEqual(["whale"]);
    api.mood = "well";
    await until("it to be asked again", async () => {
      return (await call("/dictionary/whale")).body.source === "service";
    });
    expect(Date.now() - pausedMs).toBeGreaterThan(1_950);
    expect(api.asked).toEqual(["whale", "whale"]);
  });
});

test("[DIC-11] without an address nobody is asked", async () => {
  const { api, call } = await open("well", { DICTIONARY_API_URL: "" });
  expect([
    (await call("/dictionary/whale")).body.source,
    (await call("/dictionary/the")).body.source,
  ]).toEqual(["wordnet", "grammar"]);
  expect(api.asked).toEqual([]);
});
