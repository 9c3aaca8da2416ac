// Starts and stops a peer's server, bound to the core that ours is bound to, on the runtime it is made for.
import { join } from "node:path";
import { bun, onCore, WEB_CORE } from "../pinning.ts";

interface PeerPlan {
  readonly library: "ws" | "socket.io";
  readonly runtime: "node" | "bun";
}

export interface Peer extends PeerPlan, AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

const SOURCE = join(import.meta.dir, "peer-server.ts");
const REPOSITORY = join(import.meta.dir, "../..");

export async function startPeer({ library, runtime }: PeerPlan): Promise<Peer> {
  const onNode = ["node", "--input-type=module", "-", library];
  const command = runtime === "node" ? onNode : bun(SOURCE, library);
  const child = Bun.spawn(onCore(WEB_CORE, command), {
    // Where Node looks for the libraries of a program that it reads from its input.
    cwd: REPOSITORY,
    stdin: Buffer.from(runtime === "node" ? await withoutTypes() : ""),
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  return {
    library,
    runtime,
    port: Number(Buffer.from(value ?? []).toString()),
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

/** Node 20 reads no TypeScript. */
async function withoutTypes(): Promise<string> {
  return new Bun.Transpiler({ loader: "ts" }).transform(await Bun.file(SOURCE).text());
}
