// SQL over documents: made once, read as a whole or after a number, changed by appending, condensed now and then.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";

export interface StoredDocument {
  readonly projectId: string;
  readonly state: Uint8Array;
  /** What the state holds. */
  readonly stateSeq: number;
  /** All after it, in order. */
  readonly changes: readonly Uint8Array[];
  readonly headSeq: number;
}

/** Of one snapshot of the database. Throws when a change is missing: it must not be served as if it were whole. */
export async function findDocument(sql: Sql, postId: string): Promise<StoredDocument | undefined> {
  const [row] = await sql<{
    project_id: string;
    head_seq: number;
    seq: number;
    state: Uint8Array;
    changes: Uint8Array | null;
  }>`
    SELECT d.project_id, d.head_seq::float8 AS head_seq, s.seq::float8 AS seq, s.state, (
      SELECT string_agg(int4send(octet_length(c.change)) || c.change, ''::bytea ORDER BY c.seq)
      FROM coedit_changes c WHERE c.post_id = d.post_id AND c.seq > s.seq) AS changes
    FROM coedit_documents d JOIN coedit_snapshots s ON s.post_id = d.post_id WHERE d.post_id = ${postId}`;
  if (!row) return undefined;
  const changes = split(row.changes);
  if (row.seq + changes.length !== row.head_seq) throw new Error("a stored document lacks a change");
  return {
    projectId: row.project_id,
    state: row.state,
    stateSeq: row.seq,
    changes,
    headSeq: row.head_seq,
  };
}

/** Undefined when some of them are in the snapshot by now. */
export async function listChanges(
  sql: Sql,
  postId: string,
  afterSeq: number,
): Promise<readonly Uint8Array[] | undefined> {
  const [row] = await sql<{ seq: number; head_seq: number; changes: Uint8Array | null }>`
    SELECT d.head_seq::float8 AS head_seq, (
      SELECT string_agg(int4send(octet_length(c.change)) || c.change, ''::bytea ORDER BY c.seq)
      FROM coedit_changes c WHERE c.post_id = d.post_id AND c.seq > ${afterSeq}::bigint) AS changes
    FROM coedit_documents d WHERE d.post_id = ${postId}`;
  const changes = split(row?.changes ?? null);
  return row && afterSeq + changes.length === row.head_seq ? changes : undefined;
}

/** Each stands behind its length in four bytes: so they come as one value, of one snapshot. */
function split(bytes: Uint8Array | null): Uint8Array[] {
  if (bytes === null) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + view.getInt32(at);
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

/** The newest number of each that is there. */
export async function listHeads(sql: Sql, postIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await sql<{ post_id: string; head_seq: number }>`
    SELECT post_id, head_seq::float8 AS head_seq FROM coedit_documents WHERE post_id = ANY (${postIds}::uuid[])`;
  return new Map(rows.map((row) => [row.post_id, row.head_seq]));
}

/** False when another was faster: theirs is the document. */
export async function insertDocument(
  tx: Tx,
  projectId: string,
  postId: string,
  state: Uint8Array,
): Promise<boolean> {
  const rows = await tx`
    WITH document AS (
      INSERT INTO coedit_documents (project_id, post_id) VALUES (${projectId}, ${postId})
      ON CONFLICT (post_id) DO NOTHING RETURNING project_id, post_id)
    INSERT INTO coedit_snapshots (project_id, post_id, seq, state)
    SELECT project_id, post_id, 0, ${state} FROM document RETURNING 1`;
  return rows.length > 0;
}

export interface ProposedChange {
  readonly projectId: string;
  readonly postId: string;
  readonly change: Uint8Array;
  /** What it was made for is the document as of this number. */
  readonly afterSeq: number;
}

/**
 * For the statement that saves the body with its part `post`. What others have stored since stays, and then the body is behind
 * by it: it will follow.
 */
export function changePart(
  sql: Sql,
  { projectId, postId, change, afterSeq }: ProposedChange,
): Query<unknown> {
  return sql`
    document AS (
      UPDATE coedit_documents d SET head_seq = d.head_seq + 1, log_bytes = d.log_bytes + ${change.length}::int,
        log_count = d.log_count + 1,
        followed_seq = CASE WHEN d.head_seq = ${afterSeq}::bigint THEN d.head_seq + 1 ELSE d.followed_seq END
      FROM post WHERE d.post_id = ${postId} RETURNING d.head_seq),
    document_change AS (
      INSERT INTO coedit_changes (project_id, post_id, seq, change)
      SELECT ${projectId}, ${postId}, head_seq, ${change} FROM document RETURNING seq)`;
}

export interface Snapshot {
  readonly postId: string;
  /** Of the snapshot that it was made from; when there is another by now nothing is done. */
  readonly fromSeq: number;
  readonly seq: number;
  readonly state: Uint8Array;
}

export async function saveSnapshot(tx: Tx, { postId, fromSeq, seq, state }: Snapshot): Promise<void> {
  await tx`
    WITH snapshot AS (
      UPDATE coedit_snapshots SET seq = ${seq}::bigint, state = ${state}
      WHERE post_id = ${postId} AND seq = ${fromSeq}::bigint RETURNING post_id),
    gone AS (
      DELETE FROM coedit_changes c USING snapshot WHERE c.post_id = snapshot.post_id AND c.seq <= ${seq}::bigint
      RETURNING octet_length(c.change) AS bytes)
    UPDATE coedit_documents d SET log_bytes = d.log_bytes - g.bytes, log_count = d.log_count - g.count
    FROM snapshot, (SELECT coalesce(sum(bytes), 0) AS bytes, count(*)::int AS count FROM gone) AS g
    WHERE d.post_id = snapshot.post_id`;
}

export async function deleteDocument(tx: Tx, postId: string): Promise<void> {
  await tx`DELETE FROM coedit_documents WHERE post_id = ${postId}`;
  // After the document, without which nothing can be added.
  await tx`DELETE FROM coedit_changes WHERE post_id = ${postId}`;
}

/** For the erasing of a project. */
export async function eraseSome(tx: Tx, projectId: string, limit: number): Promise<number> {
  for (const table of ["coedit_changes", "coedit_documents"]) {
    const rows = await tx.unsafe(
      `DELETE FROM ${table} WHERE ctid IN (SELECT ctid FROM ${table} WHERE project_id = $1 LIMIT $2) RETURNING 1`,
      [projectId, limit],
    );
    if (rows.length > 0) return rows.length;
  }
  return 0;
}

/** Changes nothing; fails when nothing could be changed. */
export async function touchDocument(tx: Tx, postId: string): Promise<void> {
  await tx`UPDATE coedit_documents SET log_count = log_count WHERE post_id = ${postId}`;
}
