// A witness notes all that a server has shown a client: parts that are there, parts that are deleted. All of it must be stored.
import * as decoding from "lib0/decoding";
import * as Y from "yjs";

export interface Witness {
  /** A frame of the server. */
  see(frame: Uint8Array): void;
  /** How far each client's parts go, by its id. */
  readonly clocks: ReadonlyMap<number, number>;
  readonly deletions: readonly Deletion[];
}

export interface Deletion {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

const SYNC = 0;
const STEP_1 = 0;

export function createWitness(): Witness {
  const clocks = new Map<number, number>();
  const deletions: Deletion[] = [];

  function reach(to: ReadonlyMap<number, number>): void {
    for (const [client, clock] of to) clocks.set(client, Math.max(clock, clocks.get(client) ?? 0));
  }

  return {
    clocks,
    deletions,
    see(frame) {
      const decoder = decoding.createDecoder(frame);
      if (decoding.readVarUint(decoder) !== SYNC) return;
      const type = decoding.readVarUint(decoder);
      const bytes = decoding.readVarUint8Array(decoder);
      // What a server says that it has is confirmed.
      if (type === STEP_1) return reach(Y.decodeStateVector(bytes));
      reach(Y.parseUpdateMeta(bytes).to);
      for (const [client, items] of Y.decodeUpdate(bytes).ds.clients) {
        for (const { clock, len } of items) deletions.push({ client, clock, length: len });
      }
    },
  };
}
