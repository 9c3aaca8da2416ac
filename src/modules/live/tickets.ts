// Tickets: stand for a session in an address, where browsers can put nothing else, for half a minute and one use.
import { createHash, randomBytes } from "node:crypto";
import type { Sql, Tx } from "../../kernel/db/index.ts";
import type { Accounts } from "../accounts/index.ts";
import type { Caller } from "./model.ts";
import { deleteTicket, insertTicket } from "./store/tickets.ts";

export const TICKET_SECONDS = 30;
const TICKET_BYTES = 32;

export interface Tickets {
  /** Makes one; only its hash is kept. */
  issue(tx: Tx, caller: Caller): Promise<string>;
  /** Uses it up, in whichever process; undefined when it is none, used, too old, or its session has ended. */
  redeem(sql: Tx, ticket: string): Promise<Caller | undefined>;
}

const FORM = /^[A-Za-z0-9_-]{43}$/;

export function createTickets(accounts: Pick<Accounts, "isSessionAlive">): Tickets {
  return {
    async issue(tx, caller) {
      const ticket = randomBytes(TICKET_BYTES).toString("base64url");
      await insertTicket(tx, hash(ticket), caller, TICKET_SECONDS);
      return ticket;
    },
    async redeem(tx, ticket) {
      if (!FORM.test(ticket)) return undefined;
      const caller = await deleteTicket(tx, hash(ticket));
      return caller && (await isAlive(tx, caller)) ? caller : undefined;
    },
  };

  function isAlive(sql: Sql, { sessionId, userId }: Caller): Promise<boolean> {
    return accounts.isSessionAlive(sql, sessionId, userId);
  }
}

function hash(ticket: string): Uint8Array {
  return createHash("sha256").update(ticket).digest();
}
