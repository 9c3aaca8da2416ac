// What of accounts enters the audit trail: facts of one account, which its user may read.
import type { AuditEntry } from "../../kernel/audit/index.ts";
import type { EndReason } from "./model.ts";

/** An account's entries belong to no project, and its id is their actor or their subject: so they are found again. */
const OF_ACCOUNT = { projectId: null } as const;

export function accountCreated(userId: string, address: string): AuditEntry {
  return { ...OF_ACCOUNT, action: "account.created", actorId: userId, subject: userId, address };
}

export function logInSucceeded(session: { id: string; userId: string }, address: string): AuditEntry {
  const data = { session_id: session.id };
  return {
    ...OF_ACCOUNT,
    action: "login.succeeded",
    actorId: session.userId,
    subject: session.userId,
    address,
    data,
  };
}

/** By nobody that is known: whoever it was did not have the password. */
export function logInFailed(userId: string, address: string): AuditEntry {
  return { ...OF_ACCOUNT, action: "login.failed", actorId: null, subject: userId, address };
}

/** A used refresh token is shown by a thief or by his victim, and nobody can say which. */
export function sessionEnded(
  { id, userId }: { id: string; userId: string },
  reason: EndReason,
  address: string,
): AuditEntry {
  const isReuse = reason === "reuse";
  return {
    ...OF_ACCOUNT,
    action: isReuse ? "session.reuse_detected" : "session.ended",
    actorId: isReuse ? null : userId,
    subject: userId,
    address,
    data: isReuse ? { session_id: id } : { session_id: id, reason },
  };
}

/** Of a user who has signed several of his devices out at once. */
export function sessionsEnded(userId: string, count: number, address: string): AuditEntry {
  const data = { count, reason: "removed" satisfies EndReason };
  return { ...OF_ACCOUNT, action: "session.ended", actorId: userId, subject: userId, address, data };
}
