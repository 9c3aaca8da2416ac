// The SQL of imports that run as jobs: how far each has come.
import type { Sql, Tx } from "../../kernel/db/index.ts";
import type { Rejection } from "./actions/import.ts";

/** Where an import stands after a batch. */
export interface ImportPosition {
  /** Paragraphs and rejections, counted from the file's beginning. */
  readonly pieces: number;
  /** SHA-256 of them. */
  readonly digest: Uint8Array;
  readonly accepted: number;
  readonly rejectedCount: number;
  readonly rejected: readonly Rejection[];
  readonly analysisJobId: string;
}

export interface ImportKey {
  readonly projectId: string;
  readonly jobId: string;
}

interface PositionRow {
  readonly pieces: number;
  readonly digest: Uint8Array;
  readonly accepted: number;
  readonly rejected_count: number;
  readonly rejected: Rejection[];
  readonly analysis_job_id: string;
}

/** Undefined when nothing is stored of it. */
export async function findPosition(
  sql: Sql,
  { projectId, jobId }: ImportKey,
): Promise<ImportPosition | undefined> {
  const [row] = await sql<PositionRow>`
    SELECT pieces::float8 AS pieces, digest, accepted::float8 AS accepted, rejected_count::float8 AS rejected_count,
      rejected, analysis_job_id
    FROM text_imports WHERE project_id = ${projectId} AND job_id = ${jobId}`;
  return (
    row && {
      pieces: row.pieces,
      digest: row.digest,
      accepted: row.accepted,
      rejectedCount: row.rejected_count,
      rejected: row.rejected,
      analysisJobId: row.analysis_job_id,
    }
  );
}

export async function savePosition(
  tx: Tx,
  { projectId, jobId }: ImportKey,
  position: ImportPosition,
): Promise<void> {
  const { pieces, digest, accepted, rejectedCount, rejected, analysisJobId } = position;
  await tx`
    INSERT INTO text_imports (project_id, job_id, pieces, digest, accepted, rejected_count, rejected, analysis_job_id)
    VALUES (${projectId}, ${jobId}, ${pieces}, ${digest}, ${accepted}, ${rejectedCount},
      ${JSON.stringify(rejected)}::text::jsonb, ${analysisJobId})
    ON CONFLICT (project_id, job_id) DO UPDATE SET
      pieces = excluded.pieces, digest = excluded.digest, accepted = excluded.accepted,
      rejected_count = excluded.rejected_count, rejected = excluded.rejected,
      analysis_job_id = excluded.analysis_job_id, updated_at = clock_timestamp()`;
}

/** Of jobs that nobody can run again any more. */
export async function deleteOldPositions(tx: Tx, days: number): Promise<void> {
  await tx`DELETE FROM text_imports WHERE updated_at < clock_timestamp() - make_interval(days => ${days}::int)`;
}

/** Deletes some of an erased project and returns how many. */
export async function deleteSomePositions(tx: Tx, projectId: string, limit: number): Promise<number> {
  const rows = await tx`
    DELETE FROM text_imports WHERE (project_id, job_id) IN (
      SELECT project_id, job_id FROM text_imports WHERE project_id = ${projectId} LIMIT ${limit}::int)
    RETURNING 1`;
  return rows.length;
}
