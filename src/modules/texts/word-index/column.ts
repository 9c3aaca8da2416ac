// Numbers that stand side by side: the least of them, how many bytes each takes above it, then these, little end first.
import type { VarintReader, VarintWriter } from "./varint.ts";

export type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Of one number; none where all are the same. */
const WIDTHS = [0, 1, 2, 4, 8] as const;

/** @param values whole numbers from 0 to 2^53 - 1. */
export function writeColumn(writer: VarintWriter, values: readonly number[]): void {
  let least = values[0] ?? 0;
  let most = least;
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const width = WIDTHS.find((each) => most - least < 256 ** each) ?? 8;
  writer.write(least);
  writer.write(width);
  const bytes = new Uint8Array(values.length * width);
  for (const [index, value] of values.entries()) {
    for (let at = 0, rest = value - least; at < width; at++, rest = Math.floor(rest / 256)) {
      bytes[index * width + at] = rest % 256;
    }
  }
  writer.writeBytes(bytes);
}

/** In as few bytes as its numbers take. */
export function readColumn(reader: VarintReader, length: number): Column {
  const least = reader.read();
  const width = reader.read();
  const bytes = reader.readBytes(length * width);
  if (width === 1 && least === 0) return bytes;
  const column = emptyColumn(least + 256 ** width - 1, length).fill(least);
  for (let at = 0, scale = 1; at < width; at++, scale *= 256) {
    for (let index = 0, offset = at; index < length; index++, offset += width) {
      column[index] = (column[index] ?? 0) + (bytes[offset] ?? 0) * scale;
    }
  }
  return column;
}

function emptyColumn(most: number, length: number): Column {
  if (most < 256) return new Uint8Array(length);
  if (most < 65_536) return new Uint16Array(length);
  return most < 2 ** 32 ? new Uint32Array(length) : new Float64Array(length);
}
