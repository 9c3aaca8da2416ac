import { expect, test } from "bun:test";
import { createChance } from "../../../testing/chance.ts";
import { type ImportType, type Piece, readPieces } from "./index.ts";
import { createLineSplitter, MAX_LINE_BYTES } from "./lines.ts";

const refusals = { notUtf8: () => new Error("not UTF-8"), noContentColumn: () => new Error("no column") };

async function read(type: ImportType, file: string, chunkBytes: number): Promise<Piece[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const bytes = new TextEncoder().encode(file);
    for (let from = 0; from < bytes.length; from += chunkBytes) yield bytes.subarray(from, from + chunkBytes);
  }
  const pieces: Piece[] = [];
  for await (const some of readPieces(chunks(), type, refusals)) pieces.push(...some);
  return pieces;
}

test("[TXT-17] random lines are those that a naive split finds", () => {
  const chance = createChance("lines");
  const parts = ["a", "é", "🐋", "\n", "\r\n", "\r", "\n\r"];
  for (let round = 0; round < 3_000; round++) {
    const text = Array.from({ length: chance.below(20) }, () => parts[chance.below(parts.length)]).join("");
    const expected = text.split(/\r\n|\n|\r/);
    if (expected.at(-1) === "") expected.pop();
    const splitter = createLineSplitter();
    const bytes = new TextEncoder().encode(text);
    const lines = [...bytes].flatMap((byte) => splitter.push(Uint8Array.of(byte)));
    lines.push(...splitter.end());
    expect([text, lines]).toEqual([text, expected.map((line, index) => ({ number: index + 1, text: line }))]);
  }
});

test("[TXT-16] a line without end is let go by, and the lines after it are read", async () => {
  const endless = "y".repeat(3 * MAX_LINE_BYTES);
  for (const [type, file] of [
    ["text/plain", `a\n\n${endless}\nstill it\n\nb\n`],
    ["text/csv", `content\na\n${endless}\nb\n`],
    ["application/x-ndjson", `"a"\n"${endless}"\n"b"\n`],
  ] as const) {
    const found = (await read(type, file, 100_000)).map((piece) =>
      piece.kind === "paragraph" ? piece.content : piece.code,
    );
    expect([type, found]).toEqual([type, ["a", "PARAGRAPH_TOO_LONG", "b"]]);
  }
});

test("[TXT-16] of a paragraph or field without end no more than its bound is kept", async () => {
  // 200 MB of lines that belong to one paragraph, made as they are read.
  async function* endless(first: string): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(first);
    const chunk = new TextEncoder().encode("a line of a paragraph that never ends\n".repeat(10_000));
    for (let sent = 0; sent < 200_000_000; sent += chunk.length) yield chunk;
  }
  for (const [type, first] of [
    ["text/plain", ""],
    ["text/markdown", "```\n"],
    ["text/csv", 'content\n"'],
  ] as const) {
    Bun.gc(true);
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    const pieces: Piece[] = [];
    async function* watched(): AsyncGenerator<Uint8Array> {
      let chunks = 0;
      for await (const chunk of endless(first)) {
        yield chunk;
        if (++chunks % 100 !== 0) continue;
        Bun.gc(true);
        most = Math.max(most, process.memoryUsage().heapUsed - before);
      }
    }
    for await (const some of readPieces(watched(), type, refusals)) pieces.push(...some);
    expect([type, pieces.map((piece) => piece.kind)]).toEqual([type, ["rejected"]]);
    expect([type, most < 20_000_000]).toEqual([type, true]);
  }
});
