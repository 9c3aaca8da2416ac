// SQL that appends changes to documents: numbered, logged, and refused when who wrote them may not any more.
import type { Tx } from "../../../kernel/db/index.ts";
import type { PreparedJob } from "../../../kernel/jobs/index.ts";
import { accessesFor, memberWriteAccessColumn } from "../../projects/index.ts";

export interface Appending {
  readonly projectId: string;
  readonly postId: string;
  readonly change: Uint8Array;
  /** Who made it; each must still be allowed to write. */
  readonly editorIds: readonly string[];
  /** Makes a version of the session that this change begins. */
  readonly prepareSettling: () => PreparedJob;
}

export interface Appended {
  readonly seq: number;
  /** Of the changes that are not in the snapshot. */
  readonly logBytes: number;
  readonly logCount: number;
}

/**
 * One statement for several documents, each there once, in the midst of a session and held by nobody. Those are passed over of
 * which that does not hold, and all of them when one who wrote may not any more. Gives what was stored, by the post's id.
 */
export async function appendTogether(
  tx: Tx,
  writes: readonly Appending[],
): Promise<ReadonlyMap<string, Appended>> {
  const members = new Map(
    writes.flatMap(({ projectId, editorIds }) =>
      editorIds.map((id) => [`${projectId}${id}`, { projectId, id }] as const),
    ),
  );
  const pairs = [...members.values()];
  let from = 1;
  const places = writes.map(({ change }) => {
    const start = from;
    from += change.length;
    return start;
  });
  const rows = await tx<{ post_id: string; seq: number; log_bytes: number; log_count: number }>`
    WITH refused AS MATERIALIZED (
      SELECT FROM unnest(${pairs.map(({ projectId }) => projectId)}::uuid[], ${pairs.map(({ id }) => id)}::uuid[])
        AS m (project_id, id)
      WHERE (${memberWriteAccessColumn(tx, tx`m.project_id`, tx`m.id`)} = ANY (${accessesFor("posts.write")}::text[]))
        IS NOT TRUE),
    held AS MATERIALIZED (
      SELECT d.post_id, g.place, g.bytes, g.editor_id, g.editor_ids::uuid[] AS editor_ids
      FROM unnest(${writes.map(({ postId }) => postId)}::uuid[], ${places}::int[],
          ${writes.map(({ change }) => change.length)}::int[], ${writes.map((write) => write.editorIds.at(-1) ?? null)}::uuid[],
          ${writes.map(({ editorIds }) => `{${editorIds.join(",")}}`)}::text[])
        AS g (post_id, place, bytes, editor_id, editor_ids)
      JOIN coedit_documents d ON d.post_id = g.post_id
      WHERE d.session_since IS NOT NULL AND NOT EXISTS (SELECT FROM refused)
      FOR UPDATE OF d SKIP LOCKED),
    document AS (
      UPDATE coedit_documents d SET head_seq = d.head_seq + 1, log_bytes = d.log_bytes + held.bytes,
        log_count = d.log_count + 1, edited_at = now(), edited_by = held.editor_id,
        editors = CASE WHEN d.editors @> held.editor_ids THEN d.editors
          ELSE (SELECT array_agg(DISTINCT id) FROM unnest(d.editors || held.editor_ids) AS id) END
      FROM held WHERE d.post_id = held.post_id
      RETURNING d.project_id, d.post_id, d.head_seq, d.log_bytes, d.log_count, held.place, held.bytes),
    logged AS (
      INSERT INTO coedit_changes (project_id, post_id, seq, change)
      SELECT project_id, post_id, head_seq, substring(${Buffer.concat(writes.map(({ change }) => change))}::bytea FROM place FOR bytes)
      FROM document)
    SELECT post_id, head_seq::float8 AS seq, log_bytes::float8 AS log_bytes, log_count FROM document`;
  return new Map(
    rows.map((row) => [row.post_id, { seq: row.seq, logBytes: row.log_bytes, logCount: row.log_count }]),
  );
}

/**
 * One statement, which takes the document's row: numbers rise in the order of the commits, without a gap. Of editors who may
 * not write any more it tells, and stores nothing; so too when the document is gone, and without
 * a job where no session is under way.
 */
export async function appendChange(
  tx: Tx,
  { projectId, postId, change, editorIds }: Appending,
  job: PreparedJob | undefined,
): Promise<{ readonly refusedIds: readonly string[]; readonly appended: Appended | undefined }> {
  const [row] = await tx<{
    refused: string[];
    seq: number | null;
    log_bytes: number;
    log_count: number;
  }>`
    WITH refused AS MATERIALIZED (
      SELECT coalesce(array_agg(e.id), '{}') AS ids FROM unnest(${editorIds}::uuid[]) AS e (id)
      WHERE (${memberWriteAccessColumn(tx, tx`${projectId}::uuid`, tx`e.id`)} = ANY (${accessesFor("posts.write")}::text[])) IS NOT TRUE),
    document AS (
      UPDATE coedit_documents d SET head_seq = d.head_seq + 1, log_bytes = d.log_bytes + ${change.length}::int,
        log_count = d.log_count + 1,
        session_since = ${job ? tx`coalesce(d.session_since, now())` : tx`d.session_since`}, edited_at = now(), edited_by = ${editorIds.at(-1) ?? null},
        editors = CASE WHEN d.editors @> ${editorIds}::uuid[] THEN d.editors
          ELSE (SELECT array_agg(DISTINCT id) FROM unnest(d.editors || ${editorIds}::uuid[]) AS id) END
      FROM refused WHERE d.post_id = ${postId} AND refused.ids = '{}' ${job ? tx`` : tx`AND d.session_since IS NOT NULL`}
      RETURNING d.head_seq, d.log_bytes, d.log_count, d.session_since = d.edited_at AS has_begun),
    logged AS (
      INSERT INTO coedit_changes (project_id, post_id, seq, change)
      SELECT ${projectId}, ${postId}, head_seq, ${change} FROM document)
    ${job ? settling(tx, job) : tx``}
    SELECT refused.ids AS refused, d.head_seq::float8 AS seq, d.log_bytes::float8 AS log_bytes, d.log_count
      ${job ? tx`, (SELECT count(id) FROM settling) AS jobs` : tx``}
    FROM refused LEFT JOIN document d ON true`;
  if (!row) throw new Error("a statement that always gives a row gave none");
  const appended =
    row.seq === null ? undefined : { seq: row.seq, logBytes: row.log_bytes, logCount: row.log_count };
  return { refusedIds: [...row.refused], appended };
}

/** With the first change of a session, so that no crash can lose the version. */
function settling(tx: Tx, job: PreparedJob) {
  return tx`, settling AS MATERIALIZED (
      SELECT jobs_enqueue(${job.id}, ${job.projectId}, ${job.task}, ${job.lane}, ${job.input}::text::jsonb, ${job.uniqueKey},
        ${job.createdBy}, clock_timestamp() + ${job.delayMs}::float8 * interval '1 millisecond', ${job.timeoutMs},
        ${job.maxAttempts}) AS id
      FROM document WHERE has_begun)`;
}
