// The frames: what clients may say, checked once, and what the server says, as JSON text.
import { z } from "zod";
import type { ErrorDefinition } from "../../kernel/errors/index.ts";
import type { Position, StoredEvent } from "../../kernel/events/index.ts";
import { POSITION, type Source } from "./model.ts";

const since = z.string().regex(POSITION).optional();
const projectId = z.uuid().toLowerCase();
const personal = z.literal("me");

const clientFrame = z.union([
  z.strictObject({ type: z.literal("hello"), token: z.string().min(1).max(4096) }),
  z.strictObject({ type: z.literal("subscribe"), project_id: projectId, since }),
  z.strictObject({ type: z.literal("subscribe"), stream: personal, since }),
  z.strictObject({ type: z.literal("unsubscribe"), project_id: projectId }),
  z.strictObject({ type: z.literal("unsubscribe"), stream: personal }),
  z.strictObject({
    type: z.literal("presence"),
    project_id: projectId,
    state: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({ type: z.literal("ping") }),
]);
export type ClientFrame = z.infer<typeof clientFrame>;

/** Undefined for whatever is no frame of ours. */
export function parseFrame(text: string): ClientFrame | undefined {
  try {
    return clientFrame.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** What a frame of subscribing names. */
export function sourceOf(frame: { project_id: string } | { stream: "me" }, userId: string): Source {
  return "project_id" in frame
    ? { kind: "project", projectId: frame.project_id }
    : { kind: "personal", userId };
}

/** An event as it is sent: its number, and the frame, made once for all who get it. */
export interface EventFrame {
  readonly seq: number;
  readonly text: string;
}

function label(source: Source): { project_id: string } | { stream: "me" } {
  return source.kind === "project" ? { project_id: source.projectId } : { stream: "me" };
}

export function eventFrame(source: Source, event: StoredEvent): EventFrame {
  const text = JSON.stringify({
    type: "event",
    ...label(source),
    seq: event.seq,
    id: event.id,
    event: event.event,
    actor_id: event.actorId,
    subject: event.subject,
    data: event.data,
    at: event.at.toISOString(),
  });
  return { seq: event.seq, text };
}

export function welcomeFrame(connectionId: string, userId: string, heartbeatSeconds: number): string {
  return JSON.stringify({
    type: "welcome",
    connection_id: connectionId,
    user_id: userId,
    heartbeat_s: heartbeatSeconds,
  });
}

/** `seq` is the newest number of the log; every later event follows. */
export function subscribedFrame(
  source: Source,
  { epoch, seq }: Position,
  online?: readonly unknown[],
): string {
  return JSON.stringify({ type: "subscribed", ...label(source), epoch, seq, ...(online ? { online } : {}) });
}

export function resetFrame(source: Source, { epoch, seq }: Position): string {
  return JSON.stringify({ type: "reset", ...label(source), epoch, seq });
}

export function unsubscribedFrame(source: Source): string {
  return JSON.stringify({ type: "unsubscribed", ...label(source) });
}

export const PONG = JSON.stringify({ type: "pong" });

export function errorFrame(
  { code, detail }: Pick<ErrorDefinition, "code" | "detail">,
  source?: Source,
): string {
  return JSON.stringify({ type: "error", code, detail, ...(source ? label(source) : {}) });
}
