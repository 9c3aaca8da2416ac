// A web process of its own with nothing but accounts, for tests that kill it. Started by spawnRefreshProcess.
import { openDatabase } from "../../../kernel/db/index.ts";
import { createTestKernel } from "../../../testing/kernel.ts";
import { createAccounts } from "../index.ts";
import type { RefreshProcessOrders } from "./spawn-refresh-process.ts";

// Our own parent wrote it.
const { url, socketDir, secretKey } = JSON.parse(process.argv[2] ?? "{}") as RefreshProcessOrders;
const db = openDatabase({ url, socketDir, poolSize: 4, applicationName: "test" });
const kernel = createTestKernel(Object.assign(db, { url, socketDir }), { secretKey });
createAccounts(kernel);
// Closed by the end of the test, however it ends.
process.stdin.on("end", () => process.exit(0)).resume();
await kernel.start();
await kernel.http.start();
console.log(`at ${kernel.http.address()}`);
