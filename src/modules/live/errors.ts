// How the live feed says no, over HTTP and in error frames.
import { defineErrors } from "../../kernel/errors/index.ts";

export const liveErrors = defineErrors({
  INVALID_FRAME: {
    status: 422,
    detail:
      "This frame is not one the feed knows. Send one JSON object with a type, as the description says.",
  },
  FRAME_TOO_LARGE: { status: 413, detail: "A frame has at most 16 KiB, and a presence state at most 4 KiB." },
  ALREADY_SUBSCRIBED: {
    status: 409,
    detail: "This connection is subscribed to that already. Unsubscribe first to begin elsewhere.",
  },
  NOT_SUBSCRIBED: { status: 409, detail: "Subscribe to the project before you tell it about yourself." },
  TOO_MANY_SUBSCRIPTIONS: {
    status: 429,
    detail: "A connection takes at most 100 subscriptions. Unsubscribe from some, or open another one.",
  },
  TOO_MANY_CONNECTIONS: {
    status: 429,
    detail: "Too many of your connections are open. Close some and try again.",
  },
  ACCESS_WITHDRAWN: { status: 403, detail: "You are no longer a member of this project." },
  SESSION_ENDED: { status: 401, detail: "Your session has ended. Sign in again." },
  TOO_SLOW: {
    status: 503,
    detail: "More was waiting for you than the server keeps. Connect again and resume.",
  },
});
