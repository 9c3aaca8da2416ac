// The writers of a chaos run: each changes one project again and again and keeps what the server has acknowledged.
import type { Random } from "./random.ts";

export interface Writer {
  readonly projectId: string;
  /** Names that were answered with 200, each unique. */
  readonly acknowledged: string[];
  /** Writes that failed or were not answered; they may have been done all the same. */
  readonly failed: () => number;
  /** Ends after the write under way. */
  stop(): Promise<void>;
}

export interface WriterOptions {
  readonly projectId: string;
  readonly token: () => string;
  readonly port: () => number;
  readonly random: Random;
  readonly pauseMs: number;
}

const ANSWER_MS = 5_000;

export function startWriter({ projectId, token, port, random, pauseMs }: WriterOptions): Writer {
  const acknowledged: string[] = [];
  let failed = 0;
  let isStopped = false;

  async function write(name: string): Promise<void> {
    try {
      const answer = await fetch(`http://127.0.0.1:${port()}/api/v1/projects/${projectId}`, {
        method: "PATCH",
        headers: { Authorization: `Bearer ${token()}`, "Content-Type": "application/json" },
        body: JSON.stringify({ name }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      await answer.arrayBuffer();
      if (answer.status === 200) acknowledged.push(name);
      else failed++;
    } catch {
      failed++;
    }
  }

  async function run(): Promise<void> {
    for (let number = 1; !isStopped; number++) {
      await write(`${number} ${crypto.randomUUID()}`);
      await Bun.sleep(random.between(0, 2 * pauseMs));
    }
  }

  const running = run();
  return {
    projectId,
    acknowledged,
    failed: () => failed,
    async stop() {
      isStopped = true;
      await running;
    },
  };
}
