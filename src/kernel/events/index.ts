// The event log: every project's changes, numbered 1, 2, 3 … without gaps, in the order of their commits.
export { createEvents, eventMigrations } from "./events.ts";
export type { BulkPosition, EventPage, Events, NewEvent, StoredEvent } from "./log.ts";
export { personalStreamId } from "./personal-stream.ts";
export type { Following, Position, Tail, TailNews } from "./tail.ts";
