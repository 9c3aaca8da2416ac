// Starts and stops Hocuspocus on Node, its home, bound to the core that ours is bound to; undefined where it is not installed.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { onCore, WEB_CORE } from "../pinning.ts";

export interface CoeditPeer extends AsyncDisposable {
  readonly port: number;
  /** Of a document that it has put away. */
  storedBytes(document: string): Promise<number>;
}

const PEERS = join(import.meta.dir, "../peers");

export async function startPeer(): Promise<CoeditPeer | undefined> {
  if (!existsSync(join(PEERS, "node_modules/@hocuspocus/server"))) return undefined;
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  listener.stop(true);
  const { port } = listener;
  const child = Bun.spawn(onCore(WEB_CORE, ["node", "hocuspocus.mjs", String(port)]), {
    cwd: PEERS,
    stdout: "pipe",
    stderr: "inherit",
  });
  await child.stdout.getReader().read();
  return {
    port,
    async storedBytes(document) {
      const answer = await fetch(`http://127.0.0.1:${port}/${document}`);
      // As peers/hocuspocus.mjs answers.
      return ((await answer.json()) as { bytes: number }).bytes;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
