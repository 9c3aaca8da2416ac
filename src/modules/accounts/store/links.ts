// SQL over one-time links, and over how many mails went out. Only the database's clock counts.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { EmailAddress } from "../email.ts";
import type { LinkPurpose } from "../link.ts";

export interface NewLink {
  readonly userId: string;
  readonly purpose: LinkPurpose;
  readonly email: EmailAddress;
  readonly tokenHash: Uint8Array;
  readonly minutes: number;
}

export interface Link {
  readonly userId: string;
  readonly purpose: LinkPurpose;
  readonly email: EmailAddress;
}

interface LinkRow {
  readonly user_id: string;
  readonly purpose: LinkPurpose;
  readonly email: string;
  readonly email_key: string;
}

const MAILS_AN_HOUR = 5;
const DEVICES_KEPT_DAYS = 400;

/** Takes the place of an older one of this purpose. */
export async function putLink(tx: Tx, link: NewLink): Promise<void> {
  await tx`INSERT INTO email_links (user_id, purpose, token_hash, email, email_key, expires_at)
    VALUES (${link.userId}, ${link.purpose}, ${link.tokenHash}, ${link.email.address}, ${link.email.key},
      now() + make_interval(mins => ${link.minutes}::int))
    ON CONFLICT (user_id, purpose) DO UPDATE SET token_hash = EXCLUDED.token_hash, email = EXCLUDED.email,
      email_key = EXCLUDED.email_key, expires_at = EXCLUDED.expires_at`;
}

/** A link that would be taken now. */
export async function findLink(
  sql: Sql,
  tokenHash: Uint8Array,
  purposes: readonly LinkPurpose[],
): Promise<Link | undefined> {
  const [row] = await sql<LinkRow>`
    SELECT l.user_id, l.purpose, l.email, l.email_key FROM email_links l JOIN users u ON u.id = l.user_id
    WHERE ${isGood(sql, tokenHash, purposes)}`;
  return row && toLink(row);
}

/** Uses a link up; undefined when it was used, replaced or too old, or its user has another address by now. */
export async function takeLink(
  tx: Tx,
  tokenHash: Uint8Array,
  purposes: readonly LinkPurpose[],
): Promise<Link | undefined> {
  const [row] = await tx<LinkRow>`
    DELETE FROM email_links l USING users u WHERE u.id = l.user_id AND ${isGood(tx, tokenHash, purposes)}
    RETURNING l.user_id, l.purpose, l.email, l.email_key`;
  return row && toLink(row);
}

export async function deleteLinksOf(tx: Tx, userId: string): Promise<void> {
  await tx`DELETE FROM email_links WHERE user_id = ${userId}`;
}

/** Counts a mail of this kind; false when the user has had enough of them this hour. */
export async function countMail(tx: Tx, userId: string, kind: string): Promise<boolean> {
  const rows = await tx`
    INSERT INTO account_mails AS m (user_id, kind) VALUES (${userId}, ${kind})
    ON CONFLICT (user_id, kind) DO UPDATE SET
      count = CASE WHEN m.hour_began_at < now() - interval '1 hour' THEN 1 ELSE m.count + 1 END,
      hour_began_at = CASE WHEN m.hour_began_at < now() - interval '1 hour' THEN now() ELSE m.hour_began_at END
    WHERE m.count < ${MAILS_AN_HOUR} OR m.hour_began_at < now() - interval '1 hour' RETURNING user_id`;
  return rows.length > 0;
}

/** What can never be used again. */
export async function deleteOldLinks(tx: Tx): Promise<void> {
  await tx`DELETE FROM email_links WHERE expires_at < now()`;
  await tx`DELETE FROM account_mails WHERE hour_began_at < now() - interval '1 day'`;
  await tx`
    DELETE FROM known_devices WHERE last_seen_at < now() - make_interval(days => ${DEVICES_KEPT_DAYS}::int)`;
}

/** A link to change the address is bound to the new one, the others to the one that the user has. */
function isGood(sql: Sql, tokenHash: Uint8Array, purposes: readonly LinkPurpose[]) {
  return sql`(l.token_hash = ${tokenHash} AND l.purpose = ANY (${purposes}::text[]) AND l.expires_at > now()
    AND (l.purpose = 'change' OR l.email_key = u.email_key))`;
}

function toLink(row: LinkRow): Link {
  return { userId: row.user_id, purpose: row.purpose, email: { address: row.email, key: row.email_key } };
}
