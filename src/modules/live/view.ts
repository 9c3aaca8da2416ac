// What of the live feed leaves the server over HTTP.
import { z } from "zod";
import { presenceStatus } from "./presence.ts";
import type { SeenUser } from "./store/presence.ts";

export const ticketView = z
  .strictObject({
    ticket: z.string().meta({ description: "Give it as ?ticket=, once." }),
    expires_in: z.int().meta({ description: "Seconds." }),
  })
  .meta({ id: "LiveTicket" });

const onlineUser = z.strictObject({
  user_id: z.uuid(),
  name: z.string().nullable(),
  last_seen: z.iso.datetime(),
  status: presenceStatus,
});

export const statusView = z
  .strictObject({
    active_collaborators: z.int().meta({ description: "How many users are online and active." }),
    online_users: z.array(onlineUser),
    seq: z.int().meta({ description: "The newest number of the project's log." }),
    epoch: z.string(),
    live_url: z.url(),
  })
  .meta({ id: "ProjectStatus" });

export function toOnlineUser(
  user: SeenUser,
  names: ReadonlyMap<string, string | null>,
): z.infer<typeof onlineUser> {
  return {
    user_id: user.userId,
    name: names.get(user.userId) ?? null,
    last_seen: user.lastSeen.toISOString(),
    status: user.status,
  };
}
