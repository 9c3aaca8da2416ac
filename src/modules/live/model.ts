// What the live feed is made of: who listens to what, from where on, and how a connection ends.
import { type Position, personalStreamId } from "../../kernel/events/index.ts";

/** Who is connected: a user by one of his sessions. */
export interface Caller {
  readonly userId: string;
  readonly sessionId: string;
}

/** What one can subscribe to: a project, or one's own stream. */
export type Source =
  | { readonly kind: "project"; readonly projectId: string }
  | { readonly kind: "personal"; readonly userId: string };

/** The event log that holds it. */
export function logIdOf(source: Source): string {
  return source.kind === "project" ? source.projectId : personalStreamId(source.userId);
}

/** How a connection calls it; unique within the connection. */
export function nameOf(source: Source): string {
  return source.kind === "project" ? source.projectId : "me";
}

/** `<epoch>:<seq>`, as clients keep it. */
export const POSITION =
  /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):(0|[1-9][0-9]{0,14})$/;

/** Undefined when the text is no position. */
export function parsePosition(text: string): Position | undefined {
  const [, epoch, seq] = POSITION.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, seq: Number(seq) };
}

export function formatPosition({ epoch, seq }: Position): string {
  return `${epoch}:${seq}`;
}

/** How the server closes a WebSocket. 44xx are final; after the others the client comes back and resumes. */
export const CLOSE = {
  unauthenticated: { code: 4401, reason: "not authenticated" },
  sessionEnded: { code: 4401, reason: "the session has ended" },
  withdrawn: { code: 4403, reason: "access withdrawn" },
  tooFast: { code: 4429, reason: "too fast" },
  tooMany: { code: 4429, reason: "too many connections" },
  tooSlow: { code: 3008, reason: "too slow" },
  stopping: { code: 3012, reason: "server stopping" },
} as const;

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** A client that has not said who it is after so long is shown out. */
export const HELLO_TIMEOUT_MS = 10_000;
/** How often a client should ask for a sign of life; browsers do not show them the server's own pings. */
export const HEARTBEAT_SECONDS = 25;
/** More waiting than this: too slow. What was missed is in the log. */
export const MAX_WAITING_BYTES = 1024 * 1024;
/** Replay pauses while more than this waits. */
export const REPLAY_WAITING_BYTES = 256 * 1024;
export const MAX_SUBSCRIPTIONS = 100;
/** A frame of a client; presence has 4 KiB of it. */
export const MAX_FRAME_CHARS = 16 * 1024;
/** Frames a second that a client may send over time, and at once. */
export const FRAMES_PER_SECOND = 50;
export const FRAME_BURST = 200;
/** Connections of one address that have not said who they are. */
export const MAX_STRANGERS_PER_ADDRESS = 200;
