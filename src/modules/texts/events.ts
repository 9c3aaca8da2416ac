// What the texts module announces in a project's log.
import type { NewEvent } from "../../kernel/events/index.ts";
import type { Who } from "../projects/index.ts";

/** At 40 bytes an id, what fits into an event's 16 KiB. A batch of more is announced by several events, one after the other. */
export const IDS_PER_EVENT = 400;

export interface ParagraphsBy {
  readonly projectId: string;
  readonly actorId: string;
}

/** The ids in the order in which the paragraphs were sent; the subject is the first of them. */
/** The same, and who it is to the policy. */
export interface ParagraphsFrom extends ParagraphsBy {
  readonly caller: Who;
}

export function paragraphsCreated({ projectId, actorId }: ParagraphsBy, ids: readonly string[]): NewEvent[] {
  return inParts(ids, (part, subject) => {
    return { projectId, actorId, event: "paragraphs.created", subject, data: { ids: part } };
  });
}

/** By the server itself, when the words of these paragraphs have been counted. */
export function paragraphsAnalysed(projectId: string, ids: readonly string[]): NewEvent[] {
  return inParts(ids, (part, subject) => {
    return { projectId, actorId: null, event: "paragraphs.analysed", subject, data: { ids: part } };
  });
}

export function paragraphDeleted({ projectId, actorId }: ParagraphsBy, id: string): NewEvent {
  return { projectId, actorId, event: "paragraph.deleted", subject: id, data: {} };
}

function inParts(
  ids: readonly string[],
  toEvent: (part: readonly string[], subject: string) => NewEvent,
): NewEvent[] {
  const events: NewEvent[] = [];
  for (let from = 0; from < ids.length; from += IDS_PER_EVENT) {
    const part = ids.slice(from, from + IDS_PER_EVENT);
    events.push(toEvent(part, part[0] ?? ""));
  }
  return events;
}
