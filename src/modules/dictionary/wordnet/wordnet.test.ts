import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createChance } from "../../../testing/chance.ts";
import { KINDS } from "./lemmas.ts";
import { openSortedFile } from "./sorted-file.ts";
import { findWordNetDirectory, openWordNet } from "./wordnet.ts";

const wordNet = openWordNet();
afterAll(() => wordNet.close());
const lemmaOf = (word: string) => {
  const found = wordNet.find(word);
  return found && `${found.lemma} (${found.partOfSpeech})`;
};

test("[DIC-12] a form is defined by its word: regular, irregular, doubled, of an owner", () => {
  const forms: Record<string, string> = {
    whale: "whale (noun)",
    whales: "whale (noun)",
    "whale's": "whale (noun)",
    "whales'": "whale (noun)",
    studies: "study (noun)",
    boxes: "box (noun)",
    churches: "church (noun)",
    wolves: "wolf (noun)",
    children: "child (noun)",
    fishermen: "fisherman (noun)",
    harpooned: "harpoon (verb)",
    gazing: "gaze (verb)",
    ran: "run (verb)",
    running: "run (verb)",
    was: "be (verb)",
    better: "good (adjective)",
    whitest: "white (adjective)",
    quickly: "quickly (adverb)",
    pass: "pass (verb)",
    glass: "glass (noun)",
  };
  const found = Object.keys(forms).map((word) => [word, lemmaOf(word)]);
  expect(Object.fromEntries(found)).toEqual(forms);
});

test("[DIC-10] what no dictionary has is not found, whatever it is made of", () => {
  const words = [
    "",
    " ",
    "  1 This",
    "zyzzyvas",
    "xqzerting",
    "鯨",
    "e😀",
    "the",
    "whale_oil x",
    "\n",
    "a".repeat(10_000),
  ];
  expect(words.map((word) => [word, wordNet.find(word)])).toEqual(words.map((word) => [word, undefined]));
});

test("[DIC-12] a definition is the whole of it, without the examples", () => {
  expect(wordNet.find("whale")?.definitions[1]).toBe(
    "any of the larger cetacean mammals having a streamlined body and breathing through a blowhole on the head",
  );
  // Its sense stands behind 7 KB of pointers.
  expect(wordNet.find("person")?.definitions[0]).toBe("a human being");
});

test("[DIC-13] any line of the files is found, the first and the last too", () => {
  const chance = createChance("wordnet");
  for (const kind of KINDS) {
    const path = join(findWordNetDirectory(), `index.${kind}`);
    const lines = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith(" "));
    const file = openSortedFile(path);
    const some = [0, lines.length - 1, ...Array.from({ length: 400 }, () => chance.below(lines.length))];
    for (const index of some) {
      const line = lines[index] ?? "";
      const key = line.slice(0, line.indexOf(" "));
      expect(file.find(key)).toBe(line);
      expect(file.find(`${key}\u0001`)).toBeUndefined();
    }
    file.close();
  }
});

/** What this process has read so far, in bytes (proc(5)). */
const bytesRead = () => Number(/rchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);

test.skipIf(process.platform !== "linux")("[DIC-13] a word costs a few pages, not the files", () => {
  const words = ["whales", "harpooned", "xqzerting", "person", "sea"];
  const before = bytesRead();
  for (let times = 0; times < 20; times++) for (const word of words) wordNet.find(word);
  const perWord = (bytesRead() - before) / (20 * words.length);
  expect(perWord).toBeWithin(1_000, 400_000);
});
