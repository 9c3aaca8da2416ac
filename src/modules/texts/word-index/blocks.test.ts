import { expect, test } from "bun:test";
import { type Chance, createChance } from "../../../testing/chance.ts";
import { BlockEncoder, type BlockEntry, BlockReader, findWords, type StoredBlock } from "./blocks.ts";
import { sortKeys } from "./key.ts";
import { PositionsEncoder } from "./positions.ts";
import { decodePostings, PostingsEncoder } from "./postings.ts";

interface Word extends BlockEntry {
  readonly word: string;
}

function randomWords(chance: Chance, count: number): Word[] {
  const letters = ["a", "b", "ä", "数", "😀", "\uffee"];
  const words = new Set<string>();
  while (words.size < count) {
    const length = 1 + chance.below(6);
    words.add(Array.from({ length }, () => letters[chance.below(letters.length)] ?? "").join(""));
  }
  return sortKeys([...words]).map((word) => {
    const documents = 1 + (chance.oneIn(3) ? chance.below(150) : 0);
    const occurrences = documents + (chance.oneIn(3) ? chance.below(9) : 0);
    const bytes = () => Uint8Array.from({ length: documents }, () => chance.below(128));
    const isSingle = documents === 1 && occurrences === 1;
    // Of one posting exactly a number, as the encoders write it.
    const postings = isSingle ? Uint8Array.of(200, 3) : bytes();
    const positions = chance.oneIn(4) ? undefined : isSingle ? Uint8Array.of(130, 1) : bytes();
    return { word, documents, occurrences, postings, positions };
  });
}

function write(words: readonly Word[]): StoredBlock & { first: string } {
  const encoder = new BlockEncoder();
  encoder.begin();
  for (const { word, ...entry } of words) encoder.add(Buffer.from(word), entry);
  const { data, positions } = encoder.finish();
  const first = Buffer.from(encoder.firstWord).toString();
  return { first, data: data.slice(), positions: positions?.slice() ?? null };
}

function copyOf({ documents, occurrences, postings, positions }: BlockEntry): BlockEntry {
  return { documents, occurrences, postings: postings.slice(), positions: positions?.slice() };
}

test("[TXT-31] the words of a block are read as they were written, all in order or some of them", () => {
  const chance = createChance("blocks");
  for (let round = 1; round < 20; round++) {
    const words = randomWords(chance, round * 3);
    const block = write(words);
    expect(block.first).toBe(words[0]?.word ?? "");
    const reader = new BlockReader();
    reader.open(block);
    const read: Word[] = [];
    while (reader.next()) read.push({ word: reader.word.toString(), ...copyOf(reader) });
    expect(read).toEqual(words);

    const others = randomWords(chance, 20).map(({ word }) => word);
    const wanted = sortKeys([...new Set([...words.map(({ word }) => word), ...others])]);
    const found: [string, BlockEntry][] = [];
    findWords(
      block,
      wanted.map((word) => Buffer.from(word)),
      (nth, entry) => found.push([wanted[nth] ?? "", copyOf(entry)]),
    );
    expect(found).toEqual(words.map(({ word, ...entry }) => [word, entry]));
  }
});

test("[TXT-31] a block stays below a quarter of a page, but for one word alone", () => {
  const chance = createChance("sizes");
  const encoder = new BlockEncoder();
  encoder.begin();
  const huge = {
    documents: 9_999,
    occurrences: 9_999,
    postings: new Uint8Array(9_999),
    positions: undefined,
  };
  expect(encoder.hasRoomFor(Buffer.from("a"), huge)).toBe(true);
  for (const { word, ...entry } of randomWords(chance, 600)) {
    if (!encoder.hasRoomFor(Buffer.from(word), entry)) encoder.begin();
    encoder.add(Buffer.from(word), entry);
    const { data, positions } = encoder.finish();
    expect(data.length + (positions?.length ?? 0)).toBeLessThan(1_901);
  }
  expect(encoder.hasRoomFor(Buffer.from("a"), huge)).toBe(false);
});

test("[TXT-31] lists are put one behind the other as if they had been written as one", () => {
  const chance = createChance("joined");
  const postings = new PostingsEncoder();
  const positions = new PositionsEncoder();
  for (let round = 0; round < 100; round++) {
    const lists = Array.from({ length: 1 + chance.below(4) }, () =>
      Array.from({ length: 1 + chance.below(chance.oneIn(3) ? 200 : 3) }, () => 1 + chance.below(3)),
    );
    const stored = lists.map((counts) => {
      postings.begin();
      positions.begin();
      for (const [place, count] of counts.entries()) {
        postings.add(place * 3, count);
        positions.add(Array.from({ length: count }, (_, nth) => nth * 50));
      }
      const { documents, occurrences } = postings;
      return {
        documents,
        occurrences,
        postings: postings.view().slice(),
        positions: positions.finish().slice(),
      };
    });
    postings.begin();
    let shift = 0;
    const places: number[] = [];
    for (const [nth, { documents, occurrences, postings: bytes }] of stored.entries()) {
      postings.addShifted(bytes, documents, occurrences, shift);
      places.push(...(lists[nth] ?? []).map((_, place) => place * 3 + shift));
      shift += 1_000;
    }
    const joined = decodePostings(postings.view(), postings.documents);
    expect([[...joined.places], [...joined.counts]]).toEqual([places, lists.flat()]);
    expect(postings.occurrences).toBe(lists.flat().reduce((sum, count) => sum + count, 0));

    positions.begin();
    for (const count of lists.flat()) positions.add(Array.from({ length: count }, (_, nth) => nth * 50));
    const whole = positions.finish().slice();
    positions.begin();
    const areTaken = stored.every(({ positions: bytes, documents }) => positions.addList(bytes, documents));
    if (areTaken) expect(positions.finish()).toEqual(whole);
    else expect(lists.flat().length).toBeGreaterThan(64);
  }
});
