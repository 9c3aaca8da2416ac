// Starts a web process for a test, which kills it.
import { fileURLToPath } from "node:url";
import type { TestDatabase } from "../../../testing/database.ts";

export interface RefreshProcessOrders {
  readonly url: string;
  readonly socketDir: string;
  readonly secretKey: string;
}

export interface RefreshProcess {
  /** Such as http://127.0.0.1:40123. */
  readonly address: string;
  /** Without a word, as when the machine loses its power; resolves when it is gone. */
  kill(): Promise<void>;
}

const SCRIPT = fileURLToPath(new URL("./refresh-process.ts", import.meta.url));

export async function spawnRefreshProcess(db: TestDatabase, secretKey: string): Promise<RefreshProcess> {
  const orders: RefreshProcessOrders = { url: db.url, socketDir: db.socketDir, secretKey };
  const child = Bun.spawn([process.execPath, "--no-env-file", SCRIPT, JSON.stringify(orders)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of child.stdout) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) break;
  }
  const address = text.match(/at (http\S+)/)?.[1];
  if (address === undefined) throw new Error("the process ended before it was ready");
  return {
    address,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
