// What of projects is exported: the project, its collaborators, and its log.
import type { Sql } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import { listParticipants, positionOf } from "../store/collaborators.ts";
import { countMembers, findExported } from "../store/export.ts";
import { toEventView, toParticipantView } from "../view.ts";
import { type ExportPart, pagesByKey } from "./part.ts";

const COLLABORATORS_PAGE = 500;
/** At 16 KiB an event at most. */
const EVENTS_PAGE = 200;

export function createOwnParts(events: Pick<Events, "history">): {
  readonly first: readonly ExportPart[];
  readonly last: readonly ExportPart[];
} {
  const project: ExportPart = {
    kind: "project",
    count: async () => 1,
    async *pages(sql, { projectId }) {
      const found = await findExported(sql, projectId);
      if (found) yield [found];
    },
  };
  const collaborators: ExportPart = {
    kind: "collaborator",
    count: (sql, { projectId }) => countMembers(sql, projectId),
    async *pages(sql, { projectId, at }) {
      const limit = COLLABORATORS_PAGE;
      const pages = pagesByKey(
        (after: ReturnType<typeof positionOf> | undefined) =>
          listParticipants(sql, projectId, { after, limit, withInvitations: false }),
        positionOf,
      );
      for await (const page of pages) {
        const joined = page.filter((each) => each.state === "active" && each.collaborator.invitedAt <= at);
        yield joined.map(toParticipantView);
      }
    },
  };
  const log: ExportPart = {
    kind: "event",
    count: async (sql, { projectId, seq }) => {
      const { floor } = await events.history(sql, projectId, seq, 1);
      return Math.max(0, seq - floor + 1);
    },
    pages: (sql, { projectId, seq }) => logPages(sql, events, projectId, seq),
  };
  return { first: [project, collaborators], last: [log] };
}

async function* logPages(sql: Sql, events: Pick<Events, "history">, projectId: string, seq: number) {
  for (let since = 0; since < seq; ) {
    const { items } = await events.history(sql, projectId, since, EVENTS_PAGE);
    const wanted = items.filter((item) => item.seq <= seq);
    if (wanted.length > 0) yield wanted.map(toEventView);
    since = items.at(-1)?.seq ?? seq;
  }
}
