// The face of @stoa/client: the live feed for browsers, Bun and Node.
export { type Live, type LiveSubscription, openLive, type SubscribeOptions } from "./live.ts";
export type { LiveOptions, LiveState, SocketConstructor, SocketLike } from "./options.ts";
export type { LiveError, LiveEvent, OnlineUser, PresenceChange } from "./protocol.ts";
