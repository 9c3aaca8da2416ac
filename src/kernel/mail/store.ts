// SQL over mails that wait to be sent.
import type { Sql, Tx } from "../db/index.ts";

export interface StoredMail {
  readonly id: string;
  readonly sealed: Uint8Array;
  readonly createdAt: Date;
}

/** Longer than the attempts at one mail take, and than any link in it lasts. */
const KEPT_HOURS = 48;

export async function insertMail(tx: Tx, mail: Pick<StoredMail, "id" | "sealed">): Promise<void> {
  await tx`INSERT INTO mails (id, sealed) VALUES (${mail.id}, ${mail.sealed})`;
}

export async function findMail(sql: Sql, id: string): Promise<StoredMail | undefined> {
  const [row] = await sql<{ id: string; sealed: Uint8Array; created_at: Date }>`
    SELECT id, sealed, created_at FROM mails WHERE id = ${id}`;
  return row && { id: row.id, sealed: row.sealed, createdAt: row.created_at };
}

export async function deleteMail(tx: Tx, id: string): Promise<void> {
  await tx`DELETE FROM mails WHERE id = ${id}`;
}

/** Those that could not be sent; returns how many. */
export async function deleteOldMails(tx: Tx): Promise<number> {
  const rows = await tx`
    DELETE FROM mails WHERE created_at < now() - make_interval(hours => ${KEPT_HOURS}::int) RETURNING id`;
  return rows.length;
}
