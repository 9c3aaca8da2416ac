// What of projects enters the audit trail: their events with the address they came from, and who was refused.
import type { Audit, AuditEntry } from "../../kernel/audit/index.ts";
import type { Clock } from "../../kernel/clock/index.ts";
import type { Tx } from "../../kernel/db/index.ts";
import type { Events, NewEvent } from "../../kernel/events/index.ts";
import type { ForbiddenCall } from "../../kernel/http/index.ts";
import { isId } from "../../kernel/ids/index.ts";

/** Puts a fact into the project's log and into the audit trail. Call it last: it locks the project's head. */
export type Announce = (tx: Tx, event: NewEvent, address: string) => Promise<void>;

export function createAnnounce(events: Pick<Events, "append">, audit: Pick<Audit, "record">): Announce {
  return async (tx, event, address) => {
    await audit.record(tx, toEntry(event, address));
    await events.append(tx, event);
  };
}

/** Without texts of users: a name may be what somebody wanted to be rid of. */
function toEntry({ event, projectId, actorId, subject, data }: NewEvent, address: string): AuditEntry {
  const { name: _name, ...facts } = data;
  return { action: event, projectId, actorId, subject, address, data: facts };
}

const QUIET_MS = 60_000;
const MAX_REMEMBERED = 10_000;
const PROJECT_PATH = /^\/api\/v1\/projects\//;

/** Hears of requests that were forbidden; a flood of one person's leaves one entry a minute and project. */
export function createDenials(
  audit: Pick<Audit, "recordLater">,
  clock: Clock,
): (call: ForbiddenCall) => void {
  const quietUntil = new Map<string, number>();

  function isNew(who: string): boolean {
    const now = clock.now();
    if ((quietUntil.get(who) ?? 0) > now) return false;
    quietUntil.delete(who);
    for (const [oldest, until] of quietUntil) {
      if (until > now && quietUntil.size < MAX_REMEMBERED) break;
      quietUntil.delete(oldest);
    }
    quietUntil.set(who, now + QUIET_MS);
    return true;
  }

  return (call) => {
    const projectId = projectOf(call);
    const { actor, code, operationId, address, params } = call;
    const isKey = actor.kind === "api_key";
    const actorId = isKey ? actor.creatorId : actor.userId;
    if (!isNew(`${isKey ? actor.keyId : actor.userId} ${projectId}`)) return;
    audit.recordLater({
      action: "access.denied",
      projectId,
      actorId,
      subject: projectId ?? idIn(params, "id") ?? actorId,
      address,
      data: { call: operationId, code, ...(isKey ? { api_key_id: actor.keyId } : {}) },
    });
  };
}

/**
 * Only members are told PROJECT_FORBIDDEN, to strangers it is not there: so the project that such a request names is one of the
 * caller's. A key's is its own. Null when the request named a thing and not the project: then it is kept with the account.
 */
function projectOf({ actor, path, params, query, body, code }: ForbiddenCall): string | null {
  if (actor.kind === "api_key") return actor.projectId;
  if (code !== "PROJECT_FORBIDDEN") return null;
  const named = PROJECT_PATH.test(path) ? idIn(params, "id") : undefined;
  return named ?? idIn(query, "project_id") ?? idIn(body, "project_id") ?? null;
}

function idIn(value: unknown, name: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const id = Object.getOwnPropertyDescriptor(value, name)?.value;
  const lower = typeof id === "string" ? id.toLowerCase() : "";
  return isId(lower) ? lower : undefined;
}
