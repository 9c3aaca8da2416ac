// A dictionary service as dictionaryapi.dev is one, on a real socket, that can be told to be down, slow, lying, or strict.

export type Mood =
  | "well"
  | "failing"
  | "silent"
  | "no json"
  | "other json"
  | "endless"
  | "redirecting"
  | "strict";

export interface DictionaryApi {
  /** For DICTIONARY_API_URL. */
  readonly url: string;
  mood: Mood;
  /** Words asked for, in their order. */
  readonly asked: string[];
  /** Most calls at one moment. */
  readonly mostAtOnce: () => number;
  stop(): void;
}

const ENDLESS_BYTES = 10_000_000;

export function startDictionaryApi(): DictionaryApi {
  const asked: string[] = [];
  let [atOnce, mostAtOnce] = [0, 0];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const word = decodeURIComponent(new URL(request.url).pathname.split("/").at(-1) ?? "");
      asked.push(word);
      atOnce++;
      mostAtOnce = Math.max(mostAtOnce, atOnce);
      try {
        return await answer(api.mood, word);
      } finally {
        atOnce--;
      }
    },
  });
  const api: DictionaryApi = {
    url: `http://127.0.0.1:${server.port}/api/v2/entries/en`,
    mood: "well",
    asked,
    mostAtOnce: () => mostAtOnce,
    stop: () => void server.stop(true),
  };
  return api;
}

async function answer(mood: Mood, word: string): Promise<Response> {
  switch (mood) {
    case "failing":
      return new Response("Bad gateway", { status: 502 });
    case "silent":
      return new Promise<Response>(() => {});
    case "no json":
      return new Response("<html>Welcome</html>");
    case "other json":
      return Response.json([{ word, meanings: [{ partOfSpeech: 3, definitions: "none" }] }]);
    case "endless":
      return new Response("[".repeat(ENDLESS_BYTES));
    case "redirecting":
      return Response.redirect("http://127.0.0.1:1/", 302);
    case "strict":
      return new Response("Too many", { status: 429, headers: { "Retry-After": "2" } });
    case "well":
      // As the real one, which says so with a body.
      if (word.startsWith("zyzz")) return Response.json({ title: "No Definitions Found" }, { status: 404 });
      return Response.json([
        {
          word,
          phonetics: [{ audio: "" }, { text: `/${word}/`, audio: "" }],
          meanings: [
            { partOfSpeech: "noun", definitions: [{ definition: `A ${word}.`, synonyms: [] }], antonyms: [] },
          ],
          license: { name: "CC BY-SA 3.0" },
        },
      ]);
  }
}
