// The child's side: waits for its orders, runs its role, and ends when it is told to or when its parent is gone.
import { StartError } from "../kernel/errors/index.ts";
import type { Orders, ToChild, ToParent } from "./messages.ts";
import { createQuestions } from "./questions.ts";
import { createRuntime, type Runtime } from "./runtime.ts";

/** With the parent dead, and the embedded database with it, there is little to finish. */
const ORPHAN_GRACE_MS = 2_000;

export async function runSupervised(): Promise<void> {
  if (!process.send)
    throw new StartError("--supervised is for children that the server has started: leave it out.");
  const questions = createQuestions<object[][]>();
  const metricsOfOthers = () => questions.ask((question) => tell({ kind: "tell metrics", question }), []);
  let runtime: Runtime | undefined;
  let isEnding = false;

  async function end(): Promise<void> {
    if (isEnding) return;
    isEnding = true;
    await runtime?.stop();
    process.exit(0);
  }

  async function begin(orders: Orders): Promise<void> {
    try {
      runtime = createRuntime({ ...orders, metricsOfOthers });
      await runtime.start();
      tell({ kind: "ready" });
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      tell({ kind: "failed", sentence: error.message });
      process.exit(1);
    }
  }

  for (const kind of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(kind, (error: unknown) => {
      runtime?.log.error({ err: error, kind }, "this process met an error it does not know and ends");
      process.exit(1);
    });
  }
  // Ctrl-C in a terminal reaches the whole group; our parent decides.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => void end());
  process.on("disconnect", () => {
    setTimeout(() => process.exit(1), ORPHAN_GRACE_MS);
    void end();
  });
  // Only our own program is at the other end.
  process.on("message", (message: ToChild) => {
    if (message.kind === "begin") void begin(message.orders);
    else if (message.kind === "stop") void end();
    else if (message.kind === "metrics") questions.answer(message.question, message.snapshots);
    else if (runtime) {
      const { question } = message;
      void runtime.metrics().then((snapshot) => tell({ kind: "metrics", question, snapshots: [snapshot] }));
    }
  });
}

function tell(message: ToParent): void {
  process.send?.(message);
}
