import { expect, test } from "bun:test";
import { newId } from "../../../kernel/ids/index.ts";
import { createChance } from "../../../testing/chance.ts";
import { createdMsOf, PARAGRAPH_SOURCES } from "../model.ts";
import { BlockReader } from "./blocks.ts";
import { readColumn, writeColumn } from "./column.ts";
import { decodeDocuments, documentAt, encodeDocuments, layDocumentsOut, placeOf } from "./documents.ts";
import { fromLengthByte, toLengthByte } from "./length-byte.ts";
import { PositionsEncoder, PositionsReader } from "./positions.ts";
import { decodePostings, PostingsEncoder } from "./postings.ts";
import { Room } from "./room.ts";
import { VarintReader, VarintWriter } from "./varint.ts";
import { WordTable } from "./word-table.ts";

test("[TXT-31] numbers of any size are read as they were written", () => {
  const numbers = [
    0,
    1,
    127,
    128,
    16_383,
    16_384,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 48,
    Number.MAX_SAFE_INTEGER,
  ];
  const writer = new VarintWriter();
  for (const number of numbers) writer.write(number);
  const reader = new VarintReader(writer.view());
  expect(numbers.map(() => reader.read())).toEqual(numbers);
  expect(reader.isAtEnd).toBe(true);
  expect(() => new VarintReader(Uint8Array.of(0x80)).read()).toThrow("cut off");
});

test("[TXT-31] postings are read as they were written, most of them a byte", () => {
  const chance = createChance("postings");
  const encoder = new PostingsEncoder();
  for (let round = 0; round < 200; round++) {
    encoder.begin();
    const places: number[] = [];
    const counts: number[] = [];
    for (
      let place = chance.below(3);
      places.length < round;
      place += 1 + chance.below(chance.oneIn(9) ? 1e6 : 3)
    ) {
      const count = chance.oneIn(3) ? 1 + chance.below(chance.oneIn(9) ? 100_000 : 5) : 1;
      places.push(place);
      counts.push(count);
      encoder.add(place, count);
    }
    const decoded = decodePostings(encoder.view(), encoder.documents);
    expect([[...decoded.places], [...decoded.counts]]).toEqual([places, counts]);
    expect(encoder.occurrences).toBe(counts.reduce((sum, count) => sum + count, 0));
  }
  encoder.begin();
  for (let place = 0; place < 1_000; place++) encoder.add(place, 1);
  expect(encoder.view().length).toBe(1_000);
});

test("[TXT-31] a version that is not known is not guessed at", () => {
  expect(() => new BlockReader().open({ data: Uint8Array.of(9), positions: null })).toThrow("version 9");
  expect(() => decodePostings(Uint8Array.of(3), 2)).toThrow("1 documents in the postings of 2");
  expect(() => decodeDocuments(Uint8Array.of(9))).toThrow("version 9");
});

test("[TXT-31] documents are read as they were written, and found by number", () => {
  const chance = createChance("documents");
  const authors = [newId(), newId(), newId()];
  let doc = 0;
  const documents = Array.from({ length: 500 }, () => {
    doc += 1 + chance.below(4);
    const authorId = authors[chance.below(3)] ?? "";
    const wordCount = chance.below(400_000);
    return {
      doc,
      id: newId(),
      authorId,
      postId: chance.oneIn(2) ? (authors[chance.below(3)] ?? "") : null,
      source: PARAGRAPH_SOURCES[chance.below(4)] ?? "direct",
      lang: chance.oneIn(2) ? "en" : "de",
      wordCount,
      scoredCount: wordCount - chance.below(wordCount + 1),
    };
  });
  const decoded = decodeDocuments(encodeDocuments(documents));
  expect(documents.map((_, place) => documentAt(decoded, place))).toEqual(documents);
  expect(layDocumentsOut(documents)).toEqual(decoded);
  for (let number = 0; number <= doc + 1; number++) {
    expect(placeOf(decoded, number)).toBe(documents.findIndex((document) => document.doc === number));
  }
});

test("[TXT-31] columns are read as they were written, in as few bytes as their numbers take", () => {
  const chance = createChance("columns");
  for (const most of [0, 1, 255, 256, 65_535, 70_000, 2 ** 32, 2 ** 48]) {
    for (const least of [0, 3, 300, 2 ** 40]) {
      const values = Array.from({ length: 50 }, () => least + Math.floor(chance.next() * most));
      const writer = new VarintWriter();
      writeColumn(writer, [least, ...values, least + most]);
      writer.write(7);
      const reader = new VarintReader(writer.view());
      expect([...readColumn(reader, 52)]).toEqual([least, ...values, least + most]);
      expect(reader.read()).toBe(7);
      if (most < 256) expect(writer.length).toBeLessThan(52 + 10);
    }
  }
});

test("[TXT-31] documents of the versions before are read", () => {
  const documents = [
    {
      doc: 4,
      id: newId(),
      lang: "en",
      postId: null,
      source: "import" as const,
      wordCount: 300,
      scoredCount: 170,
    },
    {
      doc: 9,
      id: newId(),
      lang: "de",
      postId: newId(),
      source: "post" as const,
      wordCount: 2,
      scoredCount: 2,
    },
  ];
  const authorId = newId();
  const bytesOf = (id: string) => Buffer.from(id.replaceAll("-", ""), "hex");
  const encode = (version: 1 | 2) => {
    const writer = new VarintWriter();
    for (const number of [version, 2, 1]) writer.write(number);
    writer.writeBytes(bytesOf(authorId));
    if (version === 2) {
      for (const number of [2, 2, ...Buffer.from("en"), 2, ...Buffer.from("de"), 1]) writer.write(number);
      writer.writeBytes(bytesOf(documents[1]?.postId ?? ""));
    }
    let [lastDoc, lastMs] = [0, 0];
    for (const [place, { doc, id, wordCount, scoredCount, source }] of documents.entries()) {
      writer.write(doc - lastDoc);
      writer.write(wordCount);
      if (version === 2) writer.write(wordCount - scoredCount);
      writer.write((createdMsOf(id) - lastMs) * 2);
      if (version === 2) writer.writeBytes(bytesOf(id).subarray(6));
      writer.write(0);
      if (version === 2)
        for (const number of [place, place, PARAGRAPH_SOURCES.indexOf(source)]) writer.write(number);
      [lastDoc, lastMs] = [doc, createdMsOf(id)];
    }
    return decodeDocuments(writer.view());
  };
  const right = documents.map((document) => ({ ...document, authorId }));
  expect(right.map((_, place) => documentAt(encode(2), place))).toEqual(right);
  const { docs, wordCounts, createdMs } = encode(1);
  expect([[...docs], [...wordCounts], [...createdMs]]).toEqual([
    [4, 9],
    [300, 2],
    documents.map(({ id }) => createdMsOf(id)),
  ]);
});

test("[TXT-31] a word has one number, wherever it is met and however many there are", () => {
  const chance = createChance("word table");
  const table = new WordTable();
  const ids = new Map<string, number>();
  const letters = [..."abcé数\u{1f600}'", "ab".repeat(200)];
  for (let met = 0; met < 60_000; met++) {
    const word = Array.from(
      { length: 1 + chance.below(9) },
      () => letters[chance.below(letters.length)],
    ).join("");
    const text = `- ${word}, ${word}`;
    const found = table.find(text, 2, 2 + word.length);
    expect(found).toBe(ids.get(word) ?? -1);
    if (found === -1) ids.set(word, table.add(text, 2, 2 + word.length));
  }
  expect(table.size).toBe(ids.size);
  expect([...ids.values()].every((id, nth) => id === nth)).toBe(true);
  for (const [word, id] of ids) expect(table.word(id)).toBe(word);
});

test("[TXT-31] what a room lends is one's own until it is cleared, however much is taken", () => {
  const chance = createChance("room");
  const room = new Room();
  for (let round = 0; round < 5; round++) {
    room.clear();
    const taken = Array.from({ length: 40 }, (_, nth) =>
      room.take(chance.oneIn(5) ? chance.below(700_000) : chance.below(50)).fill(nth),
    );
    for (const [nth, array] of taken.entries()) expect(array.every((each) => each === nth)).toBe(true);
  }
});

test("[TXT-121] positions are read as they were written, of any document, one after the other or with gaps", () => {
  const chance = createChance("positions");
  const encoder = new PositionsEncoder();
  for (const length of [1, 2, 63, 64, 65, 500]) {
    const lists = Array.from({ length }, () => {
      let position = -1;
      return Array.from({ length: 1 + chance.below(4) }, () => {
        position += 1 + chance.below(chance.oneIn(5) ? 300_000 : 20);
        return position;
      });
    });
    encoder.begin();
    for (const list of lists) encoder.add(list);
    const bytes = encoder.finish().slice();
    const counts = Uint32Array.from(lists, (list) => list.length);
    for (const gap of [1, 2, 70]) {
      const reader = new PositionsReader(bytes, counts);
      for (let index = 0; index < length; index += 1 + chance.below(gap)) {
        const into = new Uint32Array(4);
        expect(reader.read(index, into)).toBe(counts[index] ?? 0);
        expect([...into.subarray(0, counts[index])]).toEqual(lists[index] ?? []);
      }
    }
    // As a merge does it: copied as they are stored.
    const reader = new PositionsReader(bytes, counts);
    encoder.begin();
    for (let index = 0; index < length; index++) encoder.addBytes(reader.readBytes(index));
    expect(encoder.finish()).toEqual(bytes);
  }
});

test("[TXT-122] the length of a document in a byte is Lucene's", () => {
  // SmallFloat.byte4ToInt(SmallFloat.intToByte4(n)) of Lucene 9.
  const known = [
    [0, 0],
    [1, 1],
    [24, 24],
    [39, 39],
    [40, 40],
    [41, 40],
    [42, 42],
    [55, 54],
    [57, 56],
    [100, 96],
    [1_000, 984],
  ] as const;
  for (const [length, kept] of known)
    expect([length, fromLengthByte(toLengthByte(length))]).toEqual([length, kept]);
  for (let length = 1; length < 2_000_000; length = Math.ceil(length * 1.01)) {
    const kept = fromLengthByte(toLengthByte(length));
    expect(kept <= length && kept > length * 0.88).toBe(true);
  }
  expect(toLengthByte(2 ** 31 - 1)).toBe(255);
});
