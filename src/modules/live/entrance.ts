// The entrance: who asks for a connection, by what the request says; the feed uses it, and other modules with sockets of their own.
import { z } from "zod";
import type { Database } from "../../kernel/db/index.ts";
import type { Connections } from "./connections.ts";
import type { Caller } from "./model.ts";
import type { Tickets } from "./tickets.ts";

export interface Proof {
  readonly ticket?: string | undefined;
  readonly access_token?: string | undefined;
}

export interface Entrance {
  /** Undefined when the request says nothing of who asks; a promise of undefined when what it says is not valid. */
  proofOf(request: Request, query: Proof): Promise<Caller | undefined> | undefined;
  /** Undefined for a token that is not valid. */
  callerOfToken(token: string): Promise<Caller | undefined>;
  /** Those of this process: they are counted, and end with their session and with the server. */
  readonly connections: Connections;
}

export interface EntranceDeps {
  readonly db: Pick<Database, "single">;
  readonly tickets: Tickets;
  readonly connections: Connections;
  readonly callerOfToken: (token: string) => Promise<Caller | undefined>;
}

const BEARER = /^bearer +(\S+) *$/i;

/** The query of a route that is entered so. */
export const proofQuery = {
  ticket: z
    .string()
    .max(100)
    .optional()
    .meta({ description: "From POST /live/tickets, in place of a token." }),
  access_token: z
    .string()
    .max(4096)
    .optional()
    .meta({ description: "An access token, where no header can be set." }),
};

export function createEntrance({ db, tickets, connections, callerOfToken }: EntranceDeps): Entrance {
  return {
    connections,
    callerOfToken,
    proofOf(request, { ticket, access_token: accessToken }) {
      const header = request.headers.get("authorization");
      if (header !== null) return callerOfToken(BEARER.exec(header)?.[1] ?? "");
      if (ticket !== undefined) return db.single((tx) => tickets.redeem(tx, ticket));
      return accessToken === undefined ? undefined : callerOfToken(accessToken);
    },
  };
}
