// One supervised child: the same program in another role, started again with ever longer waits when it dies.
import { fileURLToPath } from "node:url";
import { pause } from "../kernel/clock/index.ts";
import type { Part } from "../kernel/lifecycle/index.ts";
import type { Logger } from "../kernel/telemetry/index.ts";
import type { Orders, ToChild, ToParent } from "./messages.ts";
import { createQuestions } from "./questions.ts";

export interface ChildOptions {
  readonly name: string;
  readonly log: Logger;
  /** Asked at each start. */
  readonly orders: () => Orders;
  /** The child has ended without being told to; runs before it is started again. */
  readonly onDeath: (orders: Orders) => Promise<void>;
  /** Metrics of all other processes, for a child that was scraped. */
  readonly metricsOfOthers: () => Promise<object[][]>;
  /** Time it gets to finish what it holds. */
  readonly graceMs: number;
}

export interface Child extends Part {
  metrics(): Promise<object[][]>;
  pid(): number | undefined;
  /** At once, whatever it holds. */
  kill(): void;
}

const FIRST_RESTART_MS = 100;
const MAX_RESTART_MS = 10_000;
/** A run this long counts as a success, after which the waits begin anew. */
const HEALTHY_RUN_MS = 60_000;
/** On top of the grace time: for what is handed back, and for a database that does not answer. */
const CLOSING_MS = 10_000;
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

interface Run {
  readonly process: Bun.Subprocess<"ignore", "inherit", "inherit">;
  readonly orders: Orders;
}

export function createChild(options: ChildOptions): Child {
  const { name, log } = options;
  const stopping = new AbortController();
  const questions = createQuestions<object[][]>();
  let run: Run | undefined;
  let running: Promise<void> | undefined;

  function spawn(): Run {
    const orders = options.orders();
    const child = Bun.spawn(
      [process.execPath, "--no-env-file", MAIN, "start", "--role", orders.role, "--supervised"],
      {
        stdio: ["ignore", "inherit", "inherit"],
        env: process.env,
        serialization: "advanced",
        // Only our own program is at the other end.
        ipc: (message) => hear(message as ToParent),
      },
    );
    send(child, { kind: "begin", orders });
    return { process: child, orders };
  }

  function hear(message: ToParent): void {
    if (message.kind === "ready") log.info({ child: name, pid: run?.process.pid }, "child is ready");
    else if (message.kind === "failed") log.error({ child: name }, message.sentence);
    else if (message.kind === "metrics") questions.answer(message.question, message.snapshots);
    else void tellMetrics(message.question);
  }

  async function tellMetrics(question: number): Promise<void> {
    const snapshots = await options.metricsOfOthers();
    if (run) send(run.process, { kind: "metrics", question, snapshots });
  }

  async function keep(): Promise<void> {
    let waitMs = FIRST_RESTART_MS;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      await runOnce();
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAt > HEALTHY_RUN_MS) waitMs = FIRST_RESTART_MS;
      await pause(waitMs, stopping.signal);
      waitMs = Math.min(waitMs * 2, MAX_RESTART_MS);
    }
  }

  async function runOnce(): Promise<void> {
    try {
      const current = spawn();
      run = current;
      await current.process.exited;
      run = undefined;
      if (stopping.signal.aborted) return;
      const { exitCode, signalCode } = current.process;
      log.warn({ child: name, exitCode, signalCode }, "child has ended and is started again");
      await options.onDeath(current.orders);
    } catch (error) {
      // No memory or no process to be had: later, perhaps.
      log.error({ child: name, err: error }, "child could not be started");
    }
  }

  return {
    name,
    pid: () => run?.process.pid,
    async metrics() {
      const child = run?.process;
      return child ? questions.ask((question) => send(child, { kind: "tell metrics", question }), []) : [];
    },
    kill: () => run?.process.kill("SIGKILL"),
    async start() {
      running ??= keep();
    },
    async stop() {
      stopping.abort();
      const child = run?.process;
      if (child) {
        send(child, { kind: "stop" });
        const timer = setTimeout(() => child.kill("SIGKILL"), options.graceMs + CLOSING_MS);
        await child.exited;
        clearTimeout(timer);
      }
      await running;
    },
  };
}

function send(child: Run["process"], message: ToChild): void {
  try {
    child.send(message);
  } catch {
    // It has ended; `exited` tells.
  }
}
