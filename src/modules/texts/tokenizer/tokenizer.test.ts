import { expect, test } from "bun:test";
import { createChance } from "../../../testing/chance.ts";
import { type Classify, createClassifier, IGNORED } from "./characters.ts";
import { toNormalForm } from "./normal-form.ts";
import { createTokenizer, TOKENIZER_VERSION, type Word } from "./tokenizer.ts";

const tokenizer = createTokenizer();
const words = (text: string) => tokenizer.listWords(text).map(({ word }) => word);

/** Texts and, split at spaces, the words in them. */
const CASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "[TXT-1] an apostrophe inside joins": {
    "Don't DON’T o'clock": "don't don't o'clock",
    "’tis the dogs' rock 'n' roll": "tis the dogs rock n roll",
    "a''b '' a’’b ' ’": "a b a b",
    "l'1 1'a é'à п'ять пʼять": "l'1 1'a é'à п'ять пʼять",
    "a'日 日'a": "a 日 日 a",
  },
  "[TXT-1] a point or comma joins digits": {
    "1,000.50 3. .5 ,7,": "1,000.50 3 5 7",
    "1..2 1,,2 1.,2": "1 2 1 2 1 2",
    "v1.2b x.y 3.a a.3 1.2.3": "v1.2b x y 3 a a 3 1.2.3",
    "１，０００．５ ١.٢ १,२": "1,000.5 ١.٢ १,२",
    "1\u0301.2": "1\u0301 2",
  },
  "[TXT-1] everything else parts": {
    "Call me Ishmael.": "call me ishmael",
    "well-known snake_case a/b a@b.c": "well known snake case a b a b c",
    "-- … ... 🐋 👩‍👩‍👧 \t\n\u00a0\u2028 €5 ±": "5",
    "": "",
  },
  "[TXT-1] a mark needs a letter or digit before it": {
    "\u0301 \u0301abc '\u0301x \u0301": "abc x",
    "हिन्दी भाषा עִבְרִית": "हिन्दी भाषा עִבְרִית",
  },
  "[TXT-2] compatible forms are one": {
    "ﬁne ＡＢＣ１ ｶﾞｷﾞ ℡ x² Ⅷ 𝐀𝐁 Ǆ": "fine abc1 ガ ギ tel x2 viii ab dž",
    "½ ①": "1 2 1",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 한글": "한글 한글",
  },
  "[TXT-2] composed and decomposed, capital and small are one": {
    "É e\u0301 E\u0301": "é é é",
    "J\u030c j\u030c \u01f0": "\u01f0 \u01f0 \u01f0",
    "a\u0327\u0301 a\u0301\u0327": "\u00e1\u0327 \u00e1\u0327",
    "ΟΔΟΣ οδος ΣΑΣ Σ Σ'Α ΑΣ-ΒΣ": "οδος οδος σας σ σ'α ας βς",
    "İstanbul ISPARTA Straße ẞ": "i\u0307stanbul isparta straße ß",
  },
  "[TXT-3] Chinese and Japanese": {
    "数据库检索系统，需要分词。": "数据 库 检索 系统 需要 分词",
    iPhone手机2024年: "iphone 手机 2024 年",
    "今日は天気がいい。コーヒー": "今日 は 天気 が いい コーヒー",
    "𠀀𠀁 𠮷": "𠀀 𠀁 𠮷",
  },
  "[TXT-3] Thai, Lao, Khmer and Myanmar": {
    "น้ำท่วมกรุงเทพมหานคร ๑,๐๐๐.๕": "น้ำ ท่วม กรุงเทพมหานคร ๑,๐๐๐.๕",
    "ພາສາລາວ ភាសាខ្មែរ မြန်မာဘာသာ": "ພາສາ ລາວ ភាសាខ្មែរ မြန်မာဘာသာ",
  },
  "[TXT-4] what cannot be seen is as if it were not there": {
    "co\u00adoperate x\u2060y \u200fאב\u200e": "cooperate xy אב",
    "می\u200cخواهم a\u200db": "میخواهم ab",
    "e\u200d\u0301 1\ufe0f\u20e3 ❤\ufe0fa 1\u00ad.\u00ad2": "é 1\u20e3 a 1.2",
    "\ufeffstart \u00ad \u3164": "start",
  },
  "[TXT-4] but the zero-width space parts": { "a\u200bb กา\u200bกา": "a b กา กา" },
};

for (const [title, texts] of Object.entries(CASES)) {
  test(title, () => {
    for (const [text, expected] of Object.entries(texts)) {
      expect([text, words(text).join(" ")]).toEqual([text, expected]);
    }
  });
}

test("[TXT-3] long runs are cut where a word ends, wherever they begin", () => {
  const sentence = "数据库检索系统需要分词今日は天気がいいですねน้ำท่วมกรุงเทพมหานคร𠀀";
  const once = words(sentence);
  for (const lead of ["", "a ", "日", "ab，"]) {
    const found = words(lead + sentence.repeat(60));
    expect(found.slice(-once.length)).toEqual(once);
    expect(found.length).toBe(words(lead).length + 60 * once.length);
  }
});

test("[TXT-5] places are those of the stored text", () => {
  const text = "\ufeffDon’t ﬁt ｶﾞ\u00ad e\u0301t 🐋 数据库 ½ \u200dx\u200d ㍿ 1\u00ad.2 İi";
  const shown = tokenizer.listWords(text).map(({ word, start, end }) => [word, text.slice(start, end)]);
  expect(shown).toEqual([
    ["don't", "Don’t"],
    ["fit", "ﬁt"],
    ["ガ", "ｶﾞ\u00ad"],
    ["ét", "e\u0301t"],
    ["数据", "数据"],
    ["库", "库"],
    // A character that stands for several words is the place of each.
    ["1", "½"],
    ["2", "½"],
    ["x", "x\u200d"],
    ["株式会社", "㍿"],
    ["1.2", "1\u00ad.2"],
    ["i\u0307i", "İi"],
  ]);
});

// Written after the rules and not after the program: one pattern over the whole text in normal form.
const WORD = /[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}]|'(?=[\p{L}\p{N}])|(?<=\p{Nd})[.,](?=\p{Nd}))*/gu;

function countNaively(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  const visible = text.replace(/\p{Default_Ignorable_Code_Point}/gu, (each) =>
    each === "\u200b" ? " " : "",
  );
  for (const [found] of visible.normalize("NFKC").replaceAll("’", "'").matchAll(WORD)) {
    const word = found.toLowerCase().normalize("NFKC");
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

/** Of every kind that has a rule; the scripts without spaces have no naive count. */
const ALPHABET = [
  ..."abcABCéÉßẞİıΣσςΑπŉǄﬁﬀⅧ²½①ＡｂＱ１．，＇ñ",
  ..."0123456789٣٤३४..,,''’’--__  \n\t ",
  ..."\u0301\u0327\u0308\u0323\u0345\u05b4\u093f\u094d\u200d\u200c\u00ad\u200b\u2060\ufe0f\u034f\ufeff",
  ..."हदनעברعرب한글\u1112\u1161\u11ab\u1100\u1173ㅎㅏㄴﾡￂ",
  ..."🐋👩𝐀𝟙\u{1d165}\u{e0100}",
];

test("[TXT-1] random texts have the words that a naive count finds", () => {
  const chance = createChance("tokenizer");
  for (let round = 0; round < 20_000; round++) {
    const length = 1 + chance.below(12);
    const text = Array.from({ length }, () => ALPHABET[chance.below(ALPHABET.length)]).join("");
    const counts = tokenizer.countWords(text);
    expect([text, new Map([...counts].sort())]).toEqual([text, new Map([...countNaively(text)].sort())]);
  }
});

test("[TXT-5] random texts have their words at their places", () => {
  const chance = createChance("places");
  // Read alone, a place gives its word again. Only a Σ depends on what stands beside it.
  const alphabet = ALPHABET.filter((character) => character !== "Σ");
  for (let round = 0; round < 20_000; round++) {
    const length = 1 + chance.below(12);
    const text = Array.from({ length }, () => alphabet[chance.below(alphabet.length)]).join("");
    const found = tokenizer.listWords(text);
    const isWrong = ({ word, start, end }: Word, index: number) => {
      const before = found[index - 1] ?? { start: 0, end: 0 };
      return start < before.start || end < before.end || !words(text.slice(start, end)).includes(word);
    };
    expect([text, found.filter(isWrong)]).toEqual([text, []]);
    const counts = new Map<string, number>();
    for (const { word } of found) counts.set(word, (counts.get(word) ?? 0) + 1);
    expect(counts).toEqual(tokenizer.countWords(text));
  }
});

test("[TXT-2] brought to normal form part by part, any character gives what NFKC gives", () => {
  const classify = createClassifier();
  const bases = ["a", "가", "\u1112", "é", "ガ", "\u09c7"];
  for (let codePoint = 0x20; codePoint < 0x30000; codePoint++) {
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
    const character = String.fromCodePoint(codePoint);
    if (classify(codePoint) & IGNORED || codePoint === 0x0e33 || codePoint === 0x0eb3) continue;
    for (const base of bases) {
      const text = base + character + base;
      const { text: normal } = toNormalForm(text, classify);
      if (normal !== text.normalize("NFKC"))
        expect([codePoint.toString(16), normal]).toEqual([codePoint.toString(16), text.normalize("NFKC")]);
    }
  }
});

/** Characters that hostile texts are made of; each is repeated to the length of a whole paragraph. */
const HOSTILE: Readonly<Record<string, string>> = {
  "marks in the wrong order": "\u0301\u0323",
  "a letter and marks": "a\u0301\u0323\u0327",
  "marks among joiners": "\u200d\u0301\u200d\u0323",
  "capitals with marks": "Σ\u0301\u0323",
  apostrophes: "'",
  "letters and apostrophes": "a'",
  "digits and points": "1.",
  Chinese: "数据库检索系统",
  "Chinese and commas": "数据，",
  "one Chinese letter and marks": "\u0301\u0323",
  Katakana: "カ",
  Thai: "น้ำท่วม",
  ligatures: "\ufdfa",
  Hangul: "\u1112\u1161\u11ab",
  families: "👩‍👩‍👧",
  "soft hyphens": "\u00ad",
  Arabic: "مرحبا بالعالم ",
  İ: "İ",
};

test("[TXT-6] work grows with the length of any text, not with its square", () => {
  for (const [name, part] of Object.entries(HOSTILE)) {
    const counted = [1_000, 100_000].map((length) => {
      const lead = name === "one Chinese letter and marks" ? "数" : "";
      return countWork(lead + part.repeat(Math.ceil(length / part.length)).slice(0, length));
    });
    const [short, long] = counted.map(
      ({ lookUps, normalized, segmented }) => lookUps + normalized + segmented,
    );
    // A hundred times the text: about a hundred times the look-ups, and the units given to ICU.
    expect([name, (long ?? 0) < 130 * (short ?? 0)]).toEqual([name, true]);
    // What takes more than linear time in ICU gets no more than a bounded part at once.
    const longest = Math.max(...counted.map((each) => each.longestPart));
    expect([name, longest <= 400]).toEqual([name, true]);
  }
});

/** Runs the tokenizer with counters in place of what it stands on. */
function countWork(text: string) {
  const work = { lookUps: 0, normalized: 0, segmented: 0, longestPart: 0 };
  const inner = createClassifier();
  const classify: Classify = (codePoint) => {
    work.lookUps++;
    return inner(codePoint);
  };
  const normalize = String.prototype.normalize;
  const segment = Intl.Segmenter.prototype.segment;
  String.prototype.normalize = function (this: string, form?: string) {
    work.normalized += this.length;
    work.longestPart = Math.max(work.longestPart, this.length);
    return normalize.call(this, form);
  };
  Intl.Segmenter.prototype.segment = function (this: Intl.Segmenter, input: string) {
    work.segmented += input.length;
    work.longestPart = Math.max(work.longestPart, input.length);
    return segment.call(this, input);
  };
  try {
    createTokenizer(classify).countWords(text);
  } finally {
    String.prototype.normalize = normalize;
    Intl.Segmenter.prototype.segment = segment;
  }
  return work;
}

test("[TXT-7] the version is raised when these samples change, also by a newer ICU", () => {
  const sample =
    "数据库检索系统需要分词 今日は天気がいいですね 国境の長いトンネルを抜けると雪国であった น้ำท่วมกรุงเทพมหานคร ພາສາລາວ ភាសាខ្មែរ မြန်မာဘာသာ";
  expect([TOKENIZER_VERSION, words(sample).join("|")]).toEqual([
    2,
    "数据|库|检索|系统|需要|分词|今日|は|天気|が|いい|です|ね|国境|の|長い|トンネル|を|抜ける|と|雪国|で|あっ|た|น้ำ|ท่วม|กรุงเทพมหานคร|ພາສາ|ລາວ|ភាសាខ្មែរ|မြန်မာဘာသာ",
  ]);
});

test("[TXT-30] the word that is meant is found, and several are told apart from it", () => {
  const find = (text: string) => tokenizer.findWord(text);
  expect(find(" Whale! ")).toEqual({ word: "whale", isSegmented: false });
  expect(find("DON’T")).toEqual({ word: "don't", isSegmented: false });
  expect(find("数据")).toEqual({ word: "数据", isSegmented: false });
  expect(find("数据库")).toEqual({ word: "数据库", isSegmented: true });
  for (const none of ["", " ", "...", "\u0301", "🐋"]) expect(find(none)).toBeUndefined();
  for (const several of ["white whale", "well-known", "a数据", "数据a", "数据，库", "½"]) {
    expect([several, find(several)]).toEqual([several, undefined]);
  }
});
