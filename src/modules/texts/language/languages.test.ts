import { expect, test } from "bun:test";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import { createLanguages, scoredCount } from "./languages.ts";

const tokenizer = createTokenizer();
const languages = createLanguages();
const recognise = (text: string) => languages.recognise(text, wordsOf(text));

function wordsOf(text: string) {
  const counts = tokenizer.countWords(text);
  let wordCount = 0;
  for (const count of counts.values()) wordCount += count;
  return { wordCount, counts };
}

test("[TXT-120] a language is recognised by its commonest words, its script or its letters", async () => {
  const texts = {
    en: "It was the best of times, it was the worst of times.",
    de: "Der schnelle Fuchs springt über den faulen Hund und ist nicht müde.",
    fr: "Les enfants jouent dans la rue et le soleil brille.",
    es: "El perro duerme en la casa y los niños juegan con él.",
    it: "Nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura, che la diritta via era smarrita.",
    ru: "Все счастливые семьи похожи друг на друга, и это так же верно, как то, что она была права.",
    ja: "今日は天気がいいですね",
    zh: "数据库检索系统需要分词",
    ko: "안녕하세요",
    und: `${"babe bebi bobu cacu ".repeat(12)}.`,
  };
  for (const [lang, text] of Object.entries(texts))
    expect([text, await recognise(text)]).toEqual([text, lang]);
  // Too short to show anything, in plain letters; and where letters show it.
  expect(await recognise("Whales swim")).toBe("en");
  expect(await recognise("Größere Wellen")).toBe("de");
});

test("[TXT-120] words have the stems of their language", async () => {
  await languages.load();
  expect(["running", "whales", "generously"].map((word) => languages.stem("en", word))).toEqual([
    "run",
    "whale",
    "generous",
  ]);
  expect(languages.stem("de", "häuser")).toBe(languages.stem("de", "haus"));
  expect(languages.stem("fr", "baleines")).toBe(languages.stem("fr", "baleine"));
  expect(languages.stem("zh", "数据")).toBe("数据");
});

test("[TXT-122] English stop words are no part of a length, those of other languages are", () => {
  const text = wordsOf("The whale and the sea are not in it");
  expect([scoredCount("en", text), scoredCount("de", text)]).toEqual([2, 9]);
});
