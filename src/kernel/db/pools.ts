// The pools of one database, put aside while its server is there but does not answer, so that callers are refused at once.
import type { SQL } from "bun";
import type { Logger } from "../telemetry/index.ts";
import { closePool, openPool, type PoolOptions } from "./pool.ts";

export interface PoolSizes {
  /** For single statements of requests, and the same again for their transactions. */
  readonly poolSize: number;
  readonly longPoolSize: number;
}

export interface Pools {
  /** Single statements, many on the way on one connection. */
  statements(): SQL;
  /** Transactions of requests: apart, because each keeps a connection to itself while it waits for a lock. */
  transactions(): SQL;
  long(): SQL;
  close(): Promise<void>;
}

/** A request's statement never takes longer; long work sets its own bound. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** Statements of other callers stand behind one that waits for a lock. */
const LOCK_TIMEOUT_MS = 500;
/** Each connection costs PostgreSQL 2 to 3 MB, and a new one is there in 3 ms. */
const IDLE_TIMEOUT_S = 5;
const LOOK_INTERVAL_MS = 1_000;
/** Looks that may pass while nothing was asked: what was asked before may still be on its way. */
const IDLE_LOOKS = 15;
/** Unanswered for this long, by the pool and then by a connection of its own, the server counts as away. */
const PATIENCE_MS = 4_000;
const CLOSE_TIMEOUT_S = 5;

type Set = Readonly<Record<"statements" | "transactions" | "long", SQL>>;

export function createPools(options: PoolOptions, sizes: PoolSizes, log: Logger): Pools {
  let pools = openAll();
  let isAway = false;
  let isClosed = false;
  let asked = 0;
  let askedAtLook = 0;
  let idleLooks = 0;
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
  }, LOOK_INTERVAL_MS);
  // A process that has nothing else to do may end.
  timer.unref();

  function openAll(): Set {
    const { poolSize, longPoolSize } = sizes;
    return {
      statements: openPool(options, {
        max: poolSize,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        lockTimeoutMs: LOCK_TIMEOUT_MS,
      }),
      transactions: openPool(options, {
        max: poolSize,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        idleTimeoutS: IDLE_TIMEOUT_S,
      }),
      long: openPool(options, { max: longPoolSize, statementTimeoutMs: 0, idleTimeoutS: IDLE_TIMEOUT_S }),
    };
  }

  async function closeAll(set: Set, timeoutS: number): Promise<void> {
    await Promise.all(Object.values(set).map((pool) => closePool(pool, timeoutS)));
  }

  /**
   * A server that is gone refuses at once and the pools connect again by themselves. One that hangs, or whose network
   * swallows packets, would keep every caller waiting: its pools are closed, and closed pools refuse.
   */
  async function look(): Promise<void> {
    if (isAway) return lookForReturn();
    if (asked === askedAtLook && ++idleLooks < IDLE_LOOKS) return;
    askedAtLook = asked;
    idleLooks = 0;
    if (await answers(pools.statements)) return;
    // All connections may be waiting for locks: only a fresh one tells.
    if ((await answersFresh()) || isClosed) return;
    isAway = true;
    log.error({}, "the database does not answer; callers are refused until it does");
    await closeAll(pools, 0);
  }

  async function lookForReturn(): Promise<void> {
    if (!(await answersFresh()) || isClosed) return;
    pools = openAll();
    isAway = false;
    log.info({}, "the database answers again");
  }

  async function answersFresh(): Promise<boolean> {
    const fresh = openPool(options, { max: 1, statementTimeoutMs: PATIENCE_MS });
    try {
      return await answers(fresh, false);
    } finally {
      await closePool(fresh, 0);
    }
  }

  function use(kind: keyof Set): SQL {
    asked++;
    return pools[kind];
  }

  return {
    statements: () => use("statements"),
    transactions: () => use("transactions"),
    long: () => use("long"),
    async close() {
      isClosed = true;
      clearInterval(timer);
      await closeAll(pools, CLOSE_TIMEOUT_S);
      await looking;
    },
  };
}

/** Whether there is an answer in time. A failure is one too, unless told otherwise: the pool knows that the server is gone. */
async function answers(pool: SQL, countsFailure = true): Promise<boolean> {
  let timer: Timer | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, false);
  });
  const answer = pool`SELECT 1`.then(
    () => true,
    () => countsFailure,
  );
  const isAnswered = await Promise.race([answer, late]);
  clearTimeout(timer);
  return isAnswered;
}
