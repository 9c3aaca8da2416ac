// Numbers for words, given in the order in which they are first met. A word is looked up where it stands in its text: to make a
// string of each, only to find that it is known, took a third of an analysis.

const INITIAL_SLOTS = 1 << 14;
const INITIAL_UNITS = 1 << 16;
/** FNV-1a. */
const BEGINNING = 0x811c9dc5;
const PRIME = 0x01000193;

export class WordTable {
  /** Open addressing: ids plus 1, 0 for none. */
  #slots = new Int32Array(INITIAL_SLOTS);
  #hashes = new Int32Array(INITIAL_SLOTS / 2);
  /** The words one behind the other in UTF-16, and by id where each begins. */
  #units = new Uint16Array(INITIAL_UNITS);
  #starts = new Uint32Array(INITIAL_SLOTS / 2 + 1);
  size = 0;

  /** The number of the word at a part of a text; -1 when it is not known. */
  find(text: string, start: number, end: number): number {
    const hash = hashOf(text, start, end);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = (slots[slot] ?? 0) - 1;
      if (id === -1 || (this.#hashes[id] === hash && this.#isAt(id, text, start, end))) return id;
    }
  }

  /** One that is not known gets the next number. */
  add(text: string, start: number, end: number): number {
    if (this.size * 2 === this.#slots.length) this.#grow();
    const id = this.size++;
    const hash = hashOf(text, start, end);
    this.#hashes[id] = hash;
    this.#enter(id, hash);
    const first = this.#starts[id] ?? 0;
    const next = first + end - start;
    if (next > this.#units.length) {
      const units = new Uint16Array(Math.max(this.#units.length * 2, next));
      units.set(this.#units);
      this.#units = units;
    }
    for (let index = start; index < end; index++) this.#units[first + index - start] = text.charCodeAt(index);
    this.#starts[id + 1] = next;
    return id;
  }

  word(id: number): string {
    return String.fromCharCode(...this.#units.subarray(this.#starts[id], this.#starts[id + 1]));
  }

  #isAt(id: number, text: string, start: number, end: number): boolean {
    const first = this.#starts[id] ?? 0;
    if ((this.#starts[id + 1] ?? 0) - first !== end - start) return false;
    const units = this.#units;
    for (let index = start; index < end; index++) {
      if (units[first + index - start] !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  #enter(id: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = id + 1;
  }

  #grow(): void {
    const { size } = this;
    const hashes = new Int32Array(size * 2);
    hashes.set(this.#hashes);
    const starts = new Uint32Array(size * 2 + 1);
    starts.set(this.#starts);
    this.#hashes = hashes;
    this.#starts = starts;
    this.#slots = new Int32Array(size * 4);
    for (let id = 0; id < size; id++) this.#enter(id, hashes[id] ?? 0);
  }
}

function hashOf(text: string, start: number, end: number): number {
  let hash = BEGINNING;
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ text.charCodeAt(index), PRIME);
  // Words differ in their last letters, and the low bits are what is used.
  return hash ^ (hash >>> 15);
}
