// What a refresh token means that is not the one that counts: a tab of the same browser, an answer that got lost, or a thief.

/** How a session stands towards a refresh token that did not rotate it. */
export interface RotationState {
  readonly userId: string;
  readonly counter: number;
  readonly isAlive: boolean;
  /** Rotated within the time in which parallel requests of one client may still show the token before. */
  readonly isJustRotated: boolean;
  /** The answer with the token that counts has left the server. */
  readonly isAnswered: boolean;
  /** Of the session, for the mail to its owner. */
  readonly userAgent: string | null;
  readonly createdAt: Date;
  /** Of the database's clock. */
  readonly now: Date;
}

export type Verdict = "same successor" | "reuse" | "refused";

/**
 * The token before the one that counts gives the same successor while parallel requests may be under way, and as long as it
 * takes when the answer never left us, for then nobody can have the successor. Every other used token is held by two, one of
 * whom is a thief (RFC 9700 section 4.14.2). A counter ahead of ours is of a database that was set back to a backup: no one
 * has stolen anything.
 */
export function judgeLate(state: RotationState | undefined, counter: number): Verdict {
  if (!state?.isAlive || counter >= state.counter) return "refused";
  const isParent = counter === state.counter - 1;
  return isParent && (state.isJustRotated || !state.isAnswered) ? "same successor" : "reuse";
}
