// What accounts do later: the mail with the link for a new password, so that asking for it tells nothing.
import { z } from "zod";
import type { Database, Tx } from "../../kernel/db/index.ts";
import type { Task } from "../../kernel/jobs/index.ts";

/** Null for an address that is no account's: that job does nothing, and takes the request the same time. */
const resetInput = z.strictObject({ user_id: z.uuid().nullable() });
export type ResetInput = z.infer<typeof resetInput>;

export function createResetTask(
  db: Database,
  sendReset: (tx: Tx, userId: string) => Promise<void>,
): Task<ResetInput> {
  return {
    name: "accounts.send_reset",
    input: resetInput,
    priority: "high",
    async run({ user_id: userId }, context) {
      if (userId === null) return;
      await db.transaction(async (tx) => {
        await context.fence(tx);
        await sendReset(tx, userId);
      });
    },
  };
}
