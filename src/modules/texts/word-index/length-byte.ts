// The length of a document in a byte, as Lucene keeps it (SmallFloat.intToByte4): exact to 40, then with four bits of precision.
// With the same lengths our BM25 is the one that figures are published of, and a score needs one table of 256 numbers.

const EXACT = 24;

/** @param length a whole number from 0. */
export function toLengthByte(length: number): number {
  return length < EXACT ? length : EXACT + toFloat4(length - EXACT);
}

export function fromLengthByte(byte: number): number {
  return byte < EXACT ? byte : EXACT + fromFloat4(byte - EXACT);
}

/** Four significant bits, the first of them implied. */
function toFloat4(value: number): number {
  const bits = 32 - Math.clz32(value);
  if (bits < 4) return value;
  const shift = bits - 4;
  return ((value >>> shift) & 0x07) | ((shift + 1) << 3);
}

function fromFloat4(value: number): number {
  const shift = (value >>> 3) - 1;
  return shift === -1 ? value : ((value & 0x07) | 0x08) << shift;
}
