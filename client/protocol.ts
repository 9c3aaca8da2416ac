// What travels over the live feed, as the server documents it.

/** An event of a project, or of one's personal stream. */
export interface LiveEvent {
  readonly seq: number;
  readonly id: string;
  /** Past tense, `post.created`. */
  readonly event: string;
  /** Null: the server itself. */
  readonly actor_id: string | null;
  /** Id of what changed. */
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** RFC 3339. */
  readonly at: string;
}

export interface PresenceChange {
  readonly change: "joined" | "left" | "updated";
  readonly user_id: string;
  readonly connection_id: string;
  /** Of the user over all his connections. */
  readonly status: "active" | "idle" | "away";
  readonly state: Readonly<Record<string, unknown>> | null;
}

export interface OnlineUser {
  readonly user_id: string;
  readonly status: "active" | "idle" | "away";
  readonly connections: readonly {
    readonly connection_id: string;
    readonly state: Readonly<Record<string, unknown>> | null;
  }[];
}

export interface LiveError {
  /** Stable, `PROJECT_NOT_FOUND`. */
  readonly code: string;
  readonly detail: string;
}

interface Named {
  readonly project_id?: string;
  readonly stream?: "me";
}

export type ServerFrame =
  | {
      readonly type: "welcome";
      readonly connection_id: string;
      readonly user_id: string;
      readonly heartbeat_s: number;
    }
  | (Named & {
      readonly type: "subscribed";
      readonly epoch: string;
      readonly seq: number;
      readonly online?: readonly OnlineUser[];
    })
  | (Named & { readonly type: "unsubscribed" })
  | (Named & { readonly type: "reset"; readonly epoch: string; readonly seq: number })
  | (Named & LiveEvent & { readonly type: "event" })
  | (Named & PresenceChange & { readonly type: "presence" })
  | { readonly type: "pong" }
  | (Named & LiveError & { readonly type: "error" });

/** Codes after which coming back at once would change nothing. */
export const FINAL_CODES = { unauthenticated: 4401, withdrawn: 4403, tooFast: 4429 } as const;
