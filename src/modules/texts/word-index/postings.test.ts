import { expect, test } from "bun:test";
import { newId } from "../../../kernel/ids/index.ts";
import { createChance } from "../../../testing/chance.ts";
import { decodeDocuments, documentAt, encodeDocuments, placeOf } from "./documents.ts";
import { decodePostings, PostingsEncoder } from "./postings.ts";
import { VarintReader, VarintWriter } from "./varint.ts";

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
  const writer = new VarintWriter();
  const encoder = new PostingsEncoder(writer);
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
    const decoded = decodePostings(writer.view(), encoder.documents);
    expect([[...decoded.places], [...decoded.counts]]).toEqual([places, counts]);
    expect(encoder.occurrences).toBe(counts.reduce((sum, count) => sum + count, 0));
  }
  encoder.begin();
  for (let place = 0; place < 1_000; place++) encoder.add(place, 1);
  expect(writer.length).toBe(1_001);
});

test("[TXT-31] a version that is not known is not guessed at", () => {
  expect(() => decodePostings(Uint8Array.of(9, 3), 1)).toThrow("version 9");
  expect(() => decodePostings(Uint8Array.of(1, 3), 2)).toThrow("1 documents in the postings of 2");
  expect(() => decodeDocuments(Uint8Array.of(9))).toThrow("version 9");
});

test("[TXT-31] documents are read as they were written, and found by number", () => {
  const chance = createChance("documents");
  const authors = [newId(), newId(), newId()];
  let doc = 0;
  const documents = Array.from({ length: 500 }, () => {
    doc += 1 + chance.below(4);
    const authorId = authors[chance.below(3)] ?? "";
    return {
      doc,
      authorId,
      wordCount: chance.below(40_000),
      createdMs: 1_700_000_000_000 + chance.below(1e6),
    };
  });
  const decoded = decodeDocuments(encodeDocuments(documents));
  expect(documents.map((_, place) => documentAt(decoded, place))).toEqual(documents);
  for (let number = 0; number <= doc + 1; number++) {
    expect(placeOf(decoded, number)).toBe(documents.findIndex((document) => document.doc === number));
  }
});
