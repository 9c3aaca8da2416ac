// Remembers which refresh answers have left the server: a client that never got its answer must not look like a thief.
import type { Database } from "../../kernel/db/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import type { RefreshClaim } from "./refresh-token.ts";
import { markAnswered } from "./store/rotation.ts";

export interface RefreshReceipts extends Part {
  /** The answer with this token is about to be sent. `signal` aborts when the client has gone before it was. */
  add(claim: RefreshClaim, signal: AbortSignal): void;
}

export interface RefreshReceiptsDeps {
  readonly db: Database;
  readonly log: Logger;
}

/**
 * Written only when the answer is long with the system: a process that is killed in between leaves no receipt, which errs on
 * the side of the user.
 */
const AFTER_MS = 100;

export function createRefreshReceipts({ db, log }: RefreshReceiptsDeps): RefreshReceipts {
  const waiting = new Map<Timer, () => void>();
  const writing = new Set<Promise<void>>();

  async function write(claim: RefreshClaim): Promise<void> {
    try {
      await db.single((tx) => markAnswered(tx, claim));
    } catch (error) {
      log.warn({ err: error }, "a refresh was not marked as answered: its token may be shown again");
    }
  }

  function begin(claim: RefreshClaim): void {
    const work = write(claim).finally(() => writing.delete(work));
    writing.add(work);
  }

  return {
    name: "refresh receipts",
    add(claim, signal) {
      const run = () => {
        waiting.delete(timer);
        if (!signal.aborted) begin(claim);
      };
      const timer = setTimeout(run, AFTER_MS);
      waiting.set(timer, run);
    },
    async start() {},
    /** After the HTTP server, which stops first: by now all answers have left. */
    async stop() {
      for (const [timer, run] of [...waiting]) {
        clearTimeout(timer);
        run();
      }
      await Promise.all(writing);
    },
  };
}
