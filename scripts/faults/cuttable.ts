// A way to PostgreSQL that can be cut like a network: nothing passes any more, and no side is told.
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Cuttable {
  /** In place of the server's socket directory. */
  readonly directory: string;
  cut(): void;
  /** What was sent meanwhile arrives. */
  mend(): void;
  close(): Promise<void>;
}

const SOCKET = ".s.PGSQL.5432";

export async function openCuttable(socketDir: string): Promise<Cuttable> {
  const directory = await mkdtemp(join(tmpdir(), "stoa-cut-"));
  const sockets = new Set<Socket>();
  let isCut = false;

  const server = createServer((near) => {
    const far = createConnection(join(socketDir, SOCKET));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes) => void to.write(bytes));
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("error", () => to.destroy());
      if (isCut) from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(join(directory, SOCKET), resolve));

  return {
    directory,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    mend() {
      isCut = false;
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
