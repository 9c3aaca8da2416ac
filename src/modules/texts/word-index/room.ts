// Arrays lent for as long as one part of a question is worked on: they are large, and would be garbage a moment later.

/** Numbers of one piece: the postings of a word that is in each document of a segment, several times over. */
const PIECE = 256 * 1024;
/** What stays for the next question. */
const KEPT_PIECES = 8;

export class Room {
  readonly #pieces: Uint32Array[] = [];
  #piece = 0;
  #used = 0;

  /** What is in it is left from before. */
  take(length: number): Uint32Array {
    while (this.#used + length > (this.#pieces[this.#piece]?.length ?? 0)) {
      if (this.#piece < this.#pieces.length && this.#used > 0) {
        this.#piece++;
        this.#used = 0;
      } else this.#pieces.splice(this.#piece, 0, new Uint32Array(Math.max(PIECE, length)));
    }
    const piece = this.#pieces[this.#piece];
    const taken = piece?.subarray(this.#used, this.#used + length) ?? new Uint32Array(length);
    this.#used += length;
    return taken;
  }

  /** All that was lent is lent anew from here on. */
  clear(): void {
    this.#piece = 0;
    this.#used = 0;
    this.#pieces.length = Math.min(this.#pieces.length, KEPT_PIECES);
  }
}
