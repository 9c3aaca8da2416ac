// What the posts module does later: erasing what was deleted, once it can no longer be restored.
import { z } from "zod";
import type { Database } from "../../kernel/db/index.ts";
import type { Events } from "../../kernel/events/index.ts";
import type { Task } from "../../kernel/jobs/index.ts";
import type { Coediting } from "./coediting.ts";
import { postErased } from "./events.ts";
import { erasePost } from "./store/posts.ts";

const eraseInput = z.strictObject({ post_id: z.uuid() });
export type EraseInput = z.infer<typeof eraseInput>;

/** Spread over days: what was deleted must not stay because of one bad hour. */
const MAX_ATTEMPTS = 25;

/** A post that was restored, and perhaps deleted again since, is left alone: that deletion has its own job. */
export function createEraseTask(
  db: Database,
  events: Pick<Events, "append">,
  coediting: Pick<Coediting, "erased">,
): Task<EraseInput> {
  return {
    name: "posts.erase",
    input: eraseInput,
    priority: "low",
    maxAttempts: MAX_ATTEMPTS,
    run: ({ post_id: id }, context) =>
      db.transaction(async (tx) => {
        await context.fence(tx);
        const erased = await erasePost(tx, id);
        if (!erased) return { erased: false };
        await coediting.erased(tx, id);
        await events.append(tx, postErased({ id, ...erased }));
        return { erased: true };
      }),
  };
}
