// The personal stream of a user: a log in the same tables, under an id that no project can have.

/** Position of the version in a UUID's text. */
const VERSION_AT = 14;

/**
 * The user's own id is taken by his personal project, so the stream has it with another version: 8, which RFC 9562 leaves to
 * us, where our ids have 7.
 */
export function personalStreamId(userId: string): string {
  return `${userId.slice(0, VERSION_AT)}8${userId.slice(VERSION_AT + 1)}`;
}
