// What follows the end of a project: its rows are erased, module by module, once the time of grace is over.
import { z } from "zod";
import type { Database, Tx } from "../../kernel/db/index.ts";
import type { Events } from "../../kernel/events/index.ts";
import type { JobContext, Task } from "../../kernel/jobs/index.ts";
import type { Accounts } from "../accounts/index.ts";
import { invitationReceived } from "./events.ts";
import { findInvitedKey, findReceived } from "./store/invitations.ts";
import { beginErasing, eraseProject } from "./store/projects.ts";

/** A module's part in erasing a project. */
export interface Eraser {
  readonly module: string;
  /** Deletes at most `limit` of its rows of the project and returns how many; called until that is 0. Safe to repeat. */
  erase(tx: Tx, projectId: string, limit: number): Promise<number>;
}

const eraseInput = z.strictObject({
  project_id: z.uuid(),
  /** Left out by jobs of projects that were deleted before deletions had ids. */
  deletion_id: z.uuid().optional(),
});
export type EraseInput = z.infer<typeof eraseInput>;

/** Rows a transaction, so that none holds its locks for long. */
const BATCH_ROWS = 5_000;
const TIMEOUT_MS = 3_600_000;
/** Spread over days: what was deleted must not stay because of one bad hour. */
const MAX_ATTEMPTS = 25;

/**
 * @param erasers read when the job runs, since modules join after the task was made.
 * @param events whose log of the project goes last, when nothing is left that could be announced.
 */
export function createEraseTask(
  db: Database,
  erasers: readonly Eraser[],
  events: Pick<Events, "erase">,
): Task<EraseInput> {
  return {
    name: "projects.erase",
    input: eraseInput,
    priority: "low",
    timeoutMs: TIMEOUT_MS,
    maxAttempts: MAX_ATTEMPTS,
    async run({ project_id: projectId, deletion_id: deletionId = null }, context) {
      const isDue = await db.transaction(async (tx) => {
        await context.fence(tx);
        return beginErasing(tx, projectId, deletionId);
      });
      // It was restored, and perhaps deleted again since: that deletion has its own job.
      if (!isDue) return { erased: false };
      for (const eraser of [...erasers, { module: "events", erase: events.erase }]) {
        await eraseAll(db, eraser, projectId, context);
      }
      await db.transaction(
        async (tx) => {
          await context.fence(tx);
          await eraseProject(tx, projectId);
        },
        { pool: "long" },
      );
      return { erased: true };
    },
  };
}

const noticeInput = z.strictObject({ invitation_id: z.uuid() });
export type NoticeInput = z.infer<typeof noticeInput>;

/**
 * Tells the account whose verified address was invited, if there is one. Apart from the invitation, so that its answer takes
 * the same time for addresses of accounts and others.
 */
export function createNoticeTask(
  db: Database,
  accounts: Pick<Accounts, "findVerifiedByEmail">,
  events: Pick<Events, "appendPersonal">,
): Task<NoticeInput> {
  return {
    name: "projects.notice_invitation",
    input: noticeInput,
    run: ({ invitation_id: id }, context) =>
      db.transaction(async (tx) => {
        await context.fence(tx);
        const [key, invitation] = [await findInvitedKey(tx, id), await findReceived(tx, id)];
        const user = key === undefined ? undefined : await accounts.findVerifiedByEmail(tx, key);
        // The result is shown to nobody: the job belongs to no project and to no user.
        if (user && invitation) await events.appendPersonal(tx, user.id, invitationReceived(invitation));
        return {};
      }),
  };
}

async function eraseAll(db: Database, eraser: Eraser, projectId: string, context: JobContext): Promise<void> {
  for (let rows = BATCH_ROWS; rows > 0; ) {
    context.signal.throwIfAborted();
    rows = await db.transaction(
      async (tx) => {
        await context.fence(tx);
        return eraser.erase(tx, projectId, BATCH_ROWS);
      },
      { pool: "long" },
    );
  }
}
