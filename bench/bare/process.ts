// Starts and stops the bare loop's server, bound to the core that ours is bound to.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { bun, onCore, WEB_CORE } from "../pinning.ts";
import type { BareDatabase } from "./database.ts";

export interface BareServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly token: string;
  readonly userId: string;
}

/** Bytes of an access token of ours, so that both servers read headers of one size. */
const TOKEN_BYTES = 330;

export async function startBareServer(db: BareDatabase, poolSize: number): Promise<BareServer> {
  const token = Buffer.from(randomUUID().repeat(12)).toString("base64url").slice(0, TOKEN_BYTES);
  const userId = randomUUID();
  const options = JSON.stringify({ socketDir: db.socketDir, url: db.url, poolSize, token, userId });
  const child = Bun.spawn(onCore(WEB_CORE, bun(join(import.meta.dir, "server.ts"), options)), {
    stdout: "pipe",
  });
  const { value } = await child.stdout.getReader().read();
  return {
    port: Number(Buffer.from(value ?? []).toString()),
    pid: child.pid,
    token,
    userId,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
