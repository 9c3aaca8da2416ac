// The SQL of paragraphs. That of the word index is in word-index/.

import type { Query, Sql, Tx } from "../../kernel/db/index.ts";
import type { NewEvent } from "../../kernel/events/index.ts";
import { newId } from "../../kernel/ids/index.ts";
import type { PreparedJob } from "../../kernel/jobs/index.ts";
import { accessColumn, type Who, writeAccessColumn } from "../projects/index.ts";
import { type Analysis, type Paragraph, type ParagraphSource, sourceOf } from "./model.ts";

export interface ParagraphRow {
  readonly id: string;
  readonly project_id: string;
  readonly author_id: string;
  readonly post_id: string | null;
  readonly source: ParagraphSource | null;
  readonly content: string;
  readonly doc: number | null;
  readonly word_count: number | null;
  readonly lang: string | null;
}

export interface NewParagraphs {
  readonly projectId: string;
  readonly authorId: string;
  /** Who he is to the policy. */
  readonly caller: Who;
  readonly ids: readonly string[];
  readonly contents: readonly string[];
  /** ISO 639-1; null: to be recognised. */
  readonly lang: string | null;
  /** Null: handed in. */
  readonly source: "import" | "fetch" | null;
  readonly events: readonly NewEvent[];
  readonly job: PreparedJob;
  /** What the author's access must be one of; else nothing is written. */
  readonly permitted: readonly string[];
}

export interface Inserted {
  /** Of the author, as accessColumn gives it. */
  readonly access: string | null;
  /** The job that will analyse them; null when nothing was written. */
  readonly jobId: string | null;
}

/** A batch of one, which is what most requests are: without arrays the statement costs PostgreSQL a quarter less. */
export async function insertParagraph(tx: Tx, batch: NewParagraphs): Promise<Inserted> {
  const { projectId, authorId, caller, ids, contents, lang, source, events, job, permitted } = batch;
  const [id = "", content = "", event] = [ids[0], contents[0], events[0]];
  const [row] = await tx<{ access: string | null; job_id: string | null }>`
    WITH author AS MATERIALIZED (SELECT ${writeAccessColumn(tx, projectId, caller)} AS access),
    stored AS (
      INSERT INTO paragraphs (id, project_id, author_id, content, length, lang, source)
      SELECT ${id}::uuid, ${projectId}::uuid, ${authorId}::uuid, ${content}::text, ${content.length}::int, ${lang}::text,
        ${source}::text
      FROM author WHERE access = ANY (${permitted}::text[])
      RETURNING 1),
    job AS MATERIALIZED (
      SELECT jobs_enqueue(${job.id}, ${projectId}, ${job.task}, ${job.lane}, ${job.input}::text::jsonb,
        ${job.uniqueKey}, ${job.createdBy}, clock_timestamp() + ${job.delayMs}::float8 * interval '1 millisecond',
        ${job.timeoutMs}, ${job.maxAttempts}) AS id
      FROM stored),
    announced AS MATERIALIZED (
      SELECT id, events_append(${projectId}, ${newId()}, ${event?.event}, ${authorId}, ${event?.subject},
        ${JSON.stringify(event?.data)}::text::jsonb) AS seq
      FROM job)
    SELECT access, id AS job_id FROM author LEFT JOIN announced ON true`;
  return { access: row?.access ?? null, jobId: row?.job_id ?? null };
}

/** All of a batch in one statement, so that one round trip makes it durable. */
export async function insertParagraphs(tx: Tx, batch: NewParagraphs): Promise<Inserted> {
  const { projectId, authorId, caller, ids, contents, lang, source, events, job, permitted } = batch;
  const lengths = contents.map((content) => content.length);
  // Each part reads from the one before: paragraphs first, the events last, since they hold the project's log.
  const [row] = await tx<{ access: string | null; job_id: string | null }>`
    WITH author AS MATERIALIZED (SELECT ${writeAccessColumn(tx, projectId, caller)} AS access),
    stored AS (
      INSERT INTO paragraphs (id, project_id, author_id, content, length, lang, source)
      SELECT p.id, ${projectId}, ${authorId}, p.content, p.length, ${lang}::text, ${source}::text
      FROM author CROSS JOIN unnest(${ids}::uuid[], ${contents}::text[], ${lengths}::int[]) AS p (id, content, length)
      WHERE author.access = ANY (${permitted}::text[])
      RETURNING 1),
    job AS MATERIALIZED (
      SELECT jobs_enqueue(${job.id}, ${projectId}, ${job.task}, ${job.lane}, ${job.input}::text::jsonb,
        ${job.uniqueKey}, ${job.createdBy}, clock_timestamp() + ${job.delayMs}::float8 * interval '1 millisecond',
        ${job.timeoutMs}, ${job.maxAttempts}) AS id
      FROM (SELECT count(*) AS paragraphs FROM stored) s WHERE paragraphs > 0),
    announced AS MATERIALIZED (
      SELECT max(events_append(${projectId}, e.id, e.event, ${authorId}, e.subject, e.data::jsonb)) AS seq
      FROM job CROSS JOIN unnest(${events.map(() => newId())}::uuid[], ${events.map((event) => event.event)}::text[],
        ${events.map((event) => event.subject)}::text[],
        ${events.map((event) => JSON.stringify(event.data))}::text[]) AS e (id, event, subject, data))
    SELECT author.access, job.id AS job_id FROM author LEFT JOIN job ON true CROSS JOIN announced`;
  return { access: row?.access ?? null, jobId: row?.job_id ?? null };
}

/** @param column writeAccessColumn where the transaction goes on to write. */
export async function findParagraph(
  sql: Sql,
  id: string,
  who: Who,
  column = accessColumn,
): Promise<{ readonly paragraph: Paragraph; readonly access: string | null } | undefined> {
  const [row] = await sql<ParagraphRow & { access: string | null }>`
    SELECT p.id, p.project_id, p.author_id, p.post_id, p.source, p.content, p.doc, p.word_count, p.lang,
      ${column(sql, sql`p.project_id`, who)} AS access
    FROM paragraphs p WHERE p.id = ${id}`;
  return row && { paragraph: toParagraph(row), access: row.access };
}

export interface ParagraphList {
  readonly projectId: string;
  readonly authorId?: string | undefined;
  readonly status?: Analysis["state"] | undefined;
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

/** Newest first, one more than `limit` if there are. */
export async function listParagraphs(sql: Sql, list: ParagraphList): Promise<Paragraph[]> {
  const { projectId, authorId, status, beforeId, limit } = list;
  const ofAuthor = authorId === undefined ? sql`` : sql`AND author_id = ${authorId}`;
  const older = beforeId === undefined ? sql`` : sql`AND id < ${beforeId}`;
  const rows = await sql<ParagraphRow>`
    SELECT id, project_id, author_id, post_id, source, content, doc, word_count, lang FROM paragraphs
    WHERE project_id = ${projectId} ${ofAuthor} ${withStatus(sql, status)} ${older}
    ORDER BY id DESC LIMIT ${limit + 1}`;
  return rows.map(toParagraph);
}

function withStatus(sql: Sql, status: ParagraphList["status"]): Query<unknown> {
  if (status === undefined) return sql``;
  return status === "pending" ? sql`AND doc IS NULL` : sql`AND doc IS NOT NULL`;
}

export async function listParagraphsByDoc(
  sql: Sql,
  projectId: string,
  docs: readonly number[],
): Promise<Paragraph[]> {
  const rows = await sql<ParagraphRow>`
    SELECT id, project_id, author_id, post_id, source, content, doc, word_count, lang FROM paragraphs
    WHERE project_id = ${projectId} AND doc = ANY (${docs}::int[])`;
  return rows.map(toParagraph);
}

export async function listParagraphsById(
  sql: Sql,
  projectId: string,
  ids: readonly string[],
): Promise<Paragraph[]> {
  const rows = await sql<ParagraphRow>`
    SELECT id, project_id, author_id, post_id, source, content, doc, word_count, lang FROM paragraphs
    WHERE project_id = ${projectId} AND id = ANY (${ids}::uuid[])`;
  return rows.map(toParagraph);
}

/** What was deleted, with the analysis it had at that moment; undefined when someone was faster. */
export async function deleteParagraph(tx: Tx, id: string): Promise<Paragraph | undefined> {
  const [row] = await tx<ParagraphRow>`
    DELETE FROM paragraphs WHERE id = ${id}
    RETURNING id, project_id, author_id, post_id, source, content, doc, word_count, lang`;
  return row && toParagraph(row);
}

/** After many have changed: autovacuum looks only once a minute, and gives way to this. */
export async function vacuumCounted(sql: Sql): Promise<void> {
  await sql.unsafe("VACUUM (TRUNCATE false, PROCESS_TOAST false) paragraphs, text_words");
}

export interface PendingParagraph {
  readonly id: string;
  readonly authorId: string;
  readonly postId: string | null;
  readonly source: ParagraphSource;
  readonly content: string;
  /** As it was given. */
  readonly lang: string | null;
}

/** Below all ids. */
const NO_ID = "00000000-0000-0000-0000-000000000000";

/** The oldest that wait to be analysed, of those behind `afterId`, so many that they hold about `maxUnits` of text, one at least. */
export async function listPending(
  sql: Sql,
  projectId: string,
  bounds: { readonly maxParagraphs: number; readonly maxUnits: number },
  afterId = NO_ID,
): Promise<PendingParagraph[]> {
  const rows = await sql<Pick<ParagraphRow, "id" | "author_id" | "post_id" | "source" | "content" | "lang">>`
    SELECT p.id, p.author_id, p.post_id, p.source, p.content, p.lang
    FROM (
      SELECT id, sum(length) OVER (ORDER BY id) - length AS units_before
      FROM (
        SELECT id, length FROM paragraphs WHERE project_id = ${projectId} AND doc IS NULL AND id > ${afterId}
        ORDER BY id LIMIT ${bounds.maxParagraphs}) AS first_ones) AS bounded
    JOIN paragraphs p ON p.id = bounded.id
    WHERE bounded.units_before < ${bounds.maxUnits}
    ORDER BY p.id`;
  return rows.map((row) => ({
    id: row.id,
    authorId: row.author_id,
    postId: row.post_id,
    source: sourceOf(row.post_id, row.source),
    content: row.content,
    lang: row.lang,
  }));
}

export async function countPending(sql: Sql, projectId: string): Promise<number> {
  const [row] = await sql<{ pending: number }>`
    SELECT count(*)::int AS pending FROM paragraphs WHERE project_id = ${projectId} AND doc IS NULL`;
  return row?.pending ?? 0;
}

/** The paragraphs of a post by their ids, as a column of another statement. */
export function postParagraphsColumn(sql: Sql, postId: Query<unknown>): Query<unknown> {
  return sql`(SELECT coalesce(jsonb_object_agg(t.id, t.content), '{}') FROM paragraphs t WHERE t.post_id = ${postId})`;
}

export interface PostChange {
  readonly projectId: string;
  readonly postId: string;
  readonly authorId: string;
  /** Contents of new paragraphs. */
  readonly fresh: readonly string[];
  /** Ids of paragraphs to be deleted. */
  readonly gone: readonly string[];
  readonly job: PreparedJob;
}

/**
 * Parts of another statement, which has a part `post` with a row when the post is saved. Rows, then the index, then its job:
 * the order in which everyone takes these locks, and rows in the order of their ids.
 * @param forget takes what was analysed out of the index: an aggregate over rows with place and doc.
 */
export function postParts(sql: Sql, change: PostChange, forget: Query<unknown>): Query<unknown> {
  const { projectId, postId, authorId, fresh, gone, job } = change;
  const ids = fresh.map(() => newId());
  const lengths = fresh.map((content) => content.length);
  return sql`
    post_held AS MATERIALIZED (
      SELECT t.id, g.n::int - 1 AS place
      FROM post CROSS JOIN unnest(${gone}::uuid[]) WITH ORDINALITY AS g (id, n) JOIN paragraphs t ON t.id = g.id
      ORDER BY t.id FOR UPDATE OF t),
    post_gone AS (DELETE FROM paragraphs t USING post_held h WHERE t.id = h.id RETURNING h.place, t.doc),
    post_fresh AS (
      INSERT INTO paragraphs (id, project_id, author_id, post_id, content, length)
      SELECT p.id, ${projectId}, ${authorId}, ${postId}, p.content, p.length
      FROM post CROSS JOIN unnest(${ids}::uuid[], ${fresh}::text[], ${lengths}::int[]) AS p (id, content, length)
      RETURNING 1),
    post_forgotten AS MATERIALIZED (
      SELECT ${forget} AS head FROM post_gone WHERE doc IS NOT NULL HAVING count(*) > 0),
    post_job AS MATERIALIZED (
      SELECT jobs_enqueue(${job.id}, ${projectId}, ${job.task}, ${job.lane}, ${job.input}::text::jsonb,
        ${job.uniqueKey}, ${job.createdBy}, clock_timestamp() + ${job.delayMs}::float8 * interval '1 millisecond',
        ${job.timeoutMs}, ${job.maxAttempts}) AS id
      FROM (SELECT (SELECT count(*) FROM post_fresh) + (SELECT count(*) FROM post_forgotten) AS changes) AS s
      WHERE changes > 0)`;
}

/** Deletes some paragraphs of an erased project and returns how many. */
export async function deleteSome(tx: Tx, projectId: string, limit: number): Promise<number> {
  const rows = await tx`
    DELETE FROM paragraphs WHERE id IN (
      SELECT id FROM paragraphs WHERE project_id = ${projectId} ORDER BY id LIMIT ${limit} FOR UPDATE)
    RETURNING 1`;
  return rows.length;
}

export function toParagraph(row: ParagraphRow): Paragraph {
  return {
    id: row.id,
    projectId: row.project_id,
    authorId: row.author_id,
    postId: row.post_id,
    source: sourceOf(row.post_id, row.source),
    content: row.content,
    lang: row.lang,
    analysis:
      row.doc === null
        ? { state: "pending" }
        : { state: "analysed", doc: row.doc, wordCount: row.word_count ?? 0 },
  };
}
