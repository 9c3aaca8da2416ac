// Group commit: single statements of several callers that come while another commit is on its way share the next one, since
// forcing a commit to the disk costs as much as three of our statements.
import { pause } from "../clock/index.ts";
import type { Tx } from "./sql.ts";
import { toTx } from "./tx.ts";

export interface GroupCommitDeps {
  /** Runs a statement by itself. */
  single<T>(run: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs statements in one transaction. */
  transaction<T>(run: (tx: Tx) => Promise<T>): Promise<T>;
  /** What a caller has left to be done after the commit. */
  callBack(callbacks: readonly (() => void)[]): void;
}

export type GroupCommit = <T>(order: string, run: (tx: Tx) => Promise<T>) => Promise<T>;

interface Entry<T = unknown> {
  readonly order: string;
  readonly run: (tx: Tx) => Promise<T>;
  readonly resolve: (result: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** While one group is forced to the disk the next one is computed. */
const LANES = 2;
/** A group takes some milliseconds, and each of its callers waits for all of it. */
const MAX_GROUP = 32;
/** How long a group waits for a lock, and how long the next one waits for a group. */
const PATIENCE_MS = 250;

export function createGroupCommit({ single, transaction, callBack }: GroupCommitDeps): GroupCommit {
  let waiting: Entry[] = [];
  let lanes = 0;

  async function drain(): Promise<void> {
    lanes++;
    while (waiting.length > 0) {
      const group = waiting.slice(0, MAX_GROUP);
      waiting = waiting.slice(MAX_GROUP);
      const [only] = group;
      const done = group.length === 1 && only ? alone(only) : together(group);
      await Promise.race([done, pause(PATIENCE_MS)]);
    }
    lanes--;
  }

  function alone({ run, resolve, reject }: Entry): Promise<void> {
    return single(run).then(resolve, reject);
  }

  async function together(group: readonly Entry[]): Promise<void> {
    // Everyone takes the locks of a group in this order: so no two groups wait for each other, whichever process they are of.
    const entries = group.toSorted((a, b) => Number(a.order > b.order) - Number(a.order < b.order));
    let outcomes: PromiseSettledResult<unknown>[] | undefined;
    const callbacks = entries.map((): (() => void)[] => []);
    try {
      await transaction(async (tx) => {
        const settings = tx.unsafe(`SET LOCAL lock_timeout = ${PATIENCE_MS}`);
        const runs = entries.map(async ({ run }, index) => run(toTx(tx, callbacks[index] ?? [])));
        const settled = await Promise.allSettled([settings, ...runs]);
        // Fails where one of the statements has failed, and with it the whole transaction.
        await tx`SELECT`;
        outcomes = settled.slice(1);
      });
    } catch (error) {
      // The commit itself has failed: what was to be written may be there.
      if (outcomes) for (const { reject } of entries) reject(error);
      else await Promise.all(entries.map(alone));
      return;
    }
    for (const [index, { resolve, reject }] of entries.entries()) {
      const outcome = outcomes?.[index];
      if (outcome?.status !== "fulfilled") reject(outcome?.reason);
      else {
        callBack(callbacks[index] ?? []);
        resolve(outcome.value);
      }
    }
  }

  return <T>(order: string, run: (tx: Tx) => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      // Each entry is given only what its own run returns.
      waiting.push({ order, run, resolve, reject } as Entry);
      if (lanes < LANES) void drain();
    });
}
