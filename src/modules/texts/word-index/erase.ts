// Takes the index of an erased project away, some rows at a time.
import type { Tx } from "../../../kernel/db/index.ts";
import { lockHead } from "./store.ts";

/** The head last: its lock keeps a fold or a merge that is under way from leaving rows behind. */
const TABLES = ["text_blocks", "text_words", "text_segments", "text_tombstones", "text_indexes"];

/** Deletes at most `limit` rows and returns how many; 0 when none is left. */
export async function eraseIndex(tx: Tx, projectId: string, limit: number): Promise<number> {
  await lockHead(tx, projectId);
  for (const table of TABLES) {
    const rows = await tx.unsafe(
      `DELETE FROM ${table} WHERE ctid IN (SELECT ctid FROM ${table} WHERE project_id = $1 LIMIT $2) RETURNING 1`,
      [projectId, limit],
    );
    if (rows.length > 0) return rows.length;
  }
  return 0;
}
