// A document as others have left it, for tests: stored before anybody opens it.
import type { Database } from "../../../kernel/db/index.ts";

/** @param state of the whole document, in the second encoding. */
export async function plant(db: Pick<Database, "sql">, postId: string, state: Uint8Array): Promise<void> {
  await db.sql`
    WITH post AS (UPDATE posts SET is_coedited = true WHERE id = ${postId} RETURNING project_id, id),
    document AS (INSERT INTO coedit_documents (project_id, post_id) SELECT project_id, id FROM post RETURNING project_id, post_id)
    INSERT INTO coedit_snapshots (project_id, post_id, seq, state) SELECT project_id, post_id, 0, ${state} FROM document`;
}
