// From a bearer token to its actor: one look-up in memory for a token that was seen before, nothing else.
import type { Clock } from "../../kernel/clock/index.ts";
import type { Database } from "../../kernel/db/index.ts";
import type { Actor, Authenticate } from "../../kernel/http/index.ts";
import type { AccessTokens, VerifiedToken } from "./access-token.ts";
import type { EndedSessions } from "./ended-sessions.ts";
import { isSessionAlive } from "./store/sessions.ts";

export interface AuthenticatorDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly tokens: AccessTokens;
  readonly ended: Pick<EndedSessions, "has" | "isFresh" | "onEnded">;
}

/** About 1 KB each: 10 MB when full. */
const MAX_REMEMBERED = 10_000;

export function createAuthenticator({ db, clock, tokens, ended }: AuthenticatorDeps): Authenticate {
  const remembered = new Map<string, Actor>();
  ended.onEnded((sessionIds) => {
    for (const [token, actor] of remembered) if (sessionIds.has(actor.sessionId)) remembered.delete(token);
  });

  function remember(token: string, actor: Actor): void {
    if (remembered.size >= MAX_REMEMBERED) {
      // The oldest goes; if it is still used it is checked again and comes back as the newest.
      const [oldest] = remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
    }
    remembered.set(token, actor);
  }

  function toActor(verified: VerifiedToken | undefined): Actor | undefined {
    if (!verified || ended.has(verified.sessionId)) return undefined;
    return Object.freeze({ kind: "user", ...verified });
  }

  function learn(token: string, verified: VerifiedToken | undefined): Actor | undefined {
    const actor = toActor(verified);
    if (actor) remember(token, actor);
    return actor;
  }

  /** What memory cannot know, after seconds without news, the database does. It may be away too: then this throws. */
  async function ask(token: string, now: number): Promise<Actor | undefined> {
    const actor = toActor(await tokens.verify(token, now));
    if (!actor) return undefined;
    return (await isSessionAlive(db.sql, actor.sessionId, actor.userId)) ? actor : undefined;
  }

  const authenticate = (token: string) => {
    const now = clock.now();
    if (!ended.isFresh(now)) return ask(token, now);
    const known = remembered.get(token);
    if (known) {
      if (now < known.expiresAt) return known;
      remembered.delete(token);
      return undefined;
    }
    const verified = tokens.verify(token, now);
    if (verified instanceof Promise) return verified.then((each) => learn(token, each));
    return learn(token, verified);
  };
  return Object.assign(authenticate, { isKnown: (token: string) => remembered.has(token) });
}
