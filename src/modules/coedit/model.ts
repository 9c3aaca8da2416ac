// What co-editing is made of: its bounds, how a connection ends, and what is told of a document.
import type { Closing } from "../live/index.ts";

/** The shared type that is the post's body. */
export const BODY = "body";

export const MAX_UPDATE_BYTES = 1024 * 1024;
/** Encoded, as it is stored. */
export const MAX_DOCUMENT_BYTES = 10 * 1024 * 1024;
/** UTF-16 code units; a post's body has no more. */
export const MAX_BODY_UNITS = 1_048_576;
/** A document stored in more bytes than this lives in a thread where it holds up no small one. */
export const LARGE_BYTES = 1024 * 1024;
/** Of one client's awareness, as JSON in UTF-8; in base64 it fits into a message between processes. */
export const MAX_STATE_BYTES = 2_048;

/** Frames a second that a client may send over time, and at once: y-websocket sends back whatever it hears of others. */
export const FRAMES_PER_SECOND = 200;
export const FRAME_BURST = 1_000;

/** How the server closes; to y-websocket 44xx are final, and it comes back after the others. */
export const COEDIT_CLOSE = {
  notFound: { code: 4404, reason: "no such post" },
  deleted: { code: 4404, reason: "the post was deleted" },
  badFrame: { code: 4400, reason: "not a frame of the y-websocket protocol" },
  badUpdate: { code: 4400, reason: "an update that cannot be read" },
  updateTooLarge: { code: 4413, reason: "UPDATE_TOO_LARGE: an update has at most 1 MiB" },
  documentTooLarge: {
    code: 4413,
    reason: "DOCUMENT_TOO_LARGE: at most 10 MiB and 1,048,576 characters of text",
  },
  /** The database or the document's thread is away. */
  tryLater: { code: 3013, reason: "try again later" },
} as const satisfies Record<string, Closing>;

/** Whether what a client sends is stored, told in frames that plain y-websocket clients pass over. */
export type WriteState =
  | { readonly can_write: true }
  | { readonly can_write: false; readonly code: "VIEWER" | "PROJECT_ARCHIVED" | "NOT_STORED" };

export const REFUSALS = {
  VIEWER: "VIEWER: you may read this post, and not change it.",
  PROJECT_ARCHIVED: "PROJECT_ARCHIVED: the project is archived, and its posts do not change.",
  NOT_STORED: "NOT_STORED: changes cannot be stored just now; the document is read-only until they can.",
} as const;
