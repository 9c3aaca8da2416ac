// Notes between processes: those too long for one message of the bus go in pieces, and are read again as one.
import type { AddressedNote } from "./presence.ts";

/** What the bus takes as one message, with room for the rest of a piece. */
const MAX_NOTE_BYTES = 4_000;
/** In base64 a third more. */
const PIECE_BYTES = 2_700;

interface Piece {
  readonly from: string;
  readonly id: number;
  readonly index: number;
  readonly count: number;
  readonly part: string;
}

/** The messages that carry a note; `id` differs from that of the sender's note before. */
export function toMessages(note: AddressedNote, id: number): readonly (AddressedNote | Piece)[] {
  const bytes = Buffer.from(JSON.stringify(note));
  if (bytes.length <= MAX_NOTE_BYTES) return [note];
  const count = Math.ceil(bytes.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, index) => ({
    from: note.from,
    id,
    index,
    count,
    part: bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES).toString("base64"),
  }));
}

/** Reads what toMessages wrote; undefined while a note is not complete. One that lost a piece is lost. */
export function createNoteReader(): (message: AddressedNote | Piece) => AddressedNote | undefined {
  const begun = new Map<string, { readonly id: number; readonly parts: string[] }>();
  return (message) => {
    if (!("part" in message)) return message;
    const { from, id, index, count, part } = message;
    const before = begun.get(from);
    const parts = before?.id === id ? before.parts : [];
    begun.delete(from);
    if (parts.length !== index) return undefined;
    parts.push(part);
    if (parts.length < count) {
      begun.set(from, { id, parts });
      return undefined;
    }
    // The pieces of one of our own notes, all of them.
    return JSON.parse(
      Buffer.concat(parts.map((each) => Buffer.from(each, "base64"))).toString(),
    ) as AddressedNote;
  };
}
