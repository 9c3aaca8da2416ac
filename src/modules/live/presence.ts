// What presence is: a connection in a project, how present its user is, and the frames and messages that tell of it.
import { z } from "zod";

export type PresenceStatus = "active" | "idle" | "away";

export interface CrowdMember {
  readonly projectId: string;
  readonly connectionId: string;
  readonly userId: string;
}

export const presenceStatus = z.enum(["active", "idle", "away"]);
export const MAX_STATE_BYTES = 4096;
/** Beyond it a project's joins, leaves and cursors are not sent one by one: each would go to each. */
export const MAX_CROWD = 200;

export type Change = "joined" | "left" | "updated";

export function presenceFrame(
  change: Change,
  { projectId, userId, connectionId }: CrowdMember,
  shown: { readonly status: PresenceStatus; readonly state: unknown },
): string {
  return JSON.stringify({
    type: "presence",
    project_id: projectId,
    change,
    user_id: userId,
    connection_id: connectionId,
    status: shown.status,
    state: shown.state,
  });
}

/** What processes tell each other; short names, since a cursor's move is sent often. */
export type Note =
  | {
      readonly k: "in" | "out";
      readonly m: readonly (readonly [
        projectId: string,
        connectionId: string,
        userId: string,
        status: PresenceStatus,
      ])[];
    }
  | {
      readonly k: "at";
      readonly m: readonly [projectId: string, connectionId: string, userId: string, status: PresenceStatus];
      readonly s: Readonly<Record<string, unknown>>;
    };
export type AddressedNote = Note & { readonly from: string };
