// A real Redis of the tests' own: started on a free port, keeping nothing on disk, and gone with them.
import { createServer } from "node:net";
import { until } from "../../src/testing/until.ts";

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** It stops as if the machine had lost it. */
  kill(): Promise<void>;
}

/** On `port`, or a free one. */
export async function startRedis(port?: number): Promise<RedisServer> {
  const chosen = port ?? (await freePort());
  const options = `--bind 127.0.0.1 --port ${chosen} --save --appendonly no --dir /tmp`.split(" ");
  // An empty argument of --save switches snapshots off.
  options.splice(options.indexOf("--save") + 1, 0, "");
  const child = Bun.spawn(["redis-server", ...options], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  await until("Redis to answer", () => answers(chosen));
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const answer = Promise.withResolvers<boolean>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data: (_, bytes) => answer.resolve(bytes.toString().startsWith("+PONG")) },
  }).catch(() => undefined);
  if (!socket) return false;
  socket.write("PING\r\n");
  const isThere = await answer.promise;
  socket.end();
  return isThere;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
