// Wiring of the live feed: routes, feeds on the tail of the log, presence, and how connections end.

import { join } from "node:path";
import { publicAddressOf } from "../../kernel/config/index.ts";
import type { MigrationSet } from "../../kernel/db/index.ts";
import { newId } from "../../kernel/ids/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Accounts } from "../accounts/index.ts";
import { accessWithdrawnBy, allow, type Projects } from "../projects/index.ts";
import { createAttendance } from "./attendance.ts";
import { createConnections } from "./connections.ts";
import { createEntrance, type Entrance } from "./entrance.ts";
import { createFeeds } from "./feeds.ts";
import { liveRoutes } from "./http.ts";
import type { Caller, Source } from "./model.ts";
import { createReplay } from "./replay.ts";
import { erasePresence } from "./store/presence.ts";
import { createTickets } from "./tickets.ts";
import { createTurns } from "./turns.ts";

export type LiveKernel = Pick<
  Kernel,
  "config" | "log" | "metrics" | "db" | "events" | "bus" | "http" | "lifecycle"
>;

export const liveMigrations: MigrationSet = {
  module: "live",
  directory: join(import.meta.dirname, "migrations"),
};

export interface Live {
  /** Sends a frame, which is stored nowhere, to all who follow the project on this process. */
  tell(projectId: string, frame: { readonly type: string }): void;
  /** For sockets of other modules: who asks, how many one may have, and how they end. */
  readonly entrance: Entrance;
}

export function createLive(kernel: LiveKernel, accounts: Accounts, projects: Projects): Live {
  const { config, log, metrics, db, events, bus, http, lifecycle } = kernel;
  const publish = http.publish;
  const deliveries = metrics.counter(
    "stoa_live_deliveries_total",
    "Live events sent, once for each subscriber.",
  );
  const feeds = createFeeds({
    tail: events.tail,
    publish,
    withdrawnBy: accessWithdrawnBy,
    countDeliveries: (count) => deliveries.add({}, count),
  });
  const attendance = createAttendance({ db, bus, log, processId: newId(), publish });
  const connections = createConnections({ maxPerUser: config.liveConnectionsPerUser });
  metrics.gauge("stoa_live_connections", "Open connections of the live feed.", [], () => [
    [{}, connections.count()],
  ]);
  metrics.gauge("stoa_live_feeds", "Logs that somebody here is subscribed to.", [], () => [
    [{}, feeds.count()],
  ]);

  async function allowReading(source: Source, caller: Caller): Promise<void> {
    if (source.kind === "personal") return;
    allow(await projects.access(db.sql, source.projectId, caller.userId), "events.read");
  }

  const callerOfToken = async (token: string) => http.authenticate(token);
  const tickets = createTickets(accounts);
  const entrance = createEntrance({ db, tickets, connections, callerOfToken });
  http.mount(
    liveRoutes({
      db,
      log,
      events,
      accounts,
      projects,
      feeds,
      replay: createReplay({ db, events }),
      turns: createTurns(),
      allow: allowReading,
      connections,
      attendance,
      callerOfToken,
      tickets,
      entrance,
      publicUrl: publicAddressOf(config).url,
    }),
  );
  accounts.onSessionsEnded(connections.endSessions);
  projects.onErase({ module: "live", erase: erasePresence });
  http.onStopping(connections.stop);
  lifecycle.add(attendance);
  return {
    entrance,
    tell(projectId, { type, ...rest }) {
      attendance.sendAll(projectId, JSON.stringify({ type, project_id: projectId, ...rest }));
    },
  };
}
