// What an account is, and what a session is.

export interface User {
  readonly id: string;
  /** As it was given, its domain in lower case; unique whatever the case. */
  readonly email: string;
  readonly name: string | null;
  readonly createdAt: Date;
  /** Null until somebody has shown that the address is his. */
  readonly emailVerifiedAt: Date | null;
}

/** A device that is signed in. */
export interface Session {
  readonly id: string;
  readonly userAgent: string | null;
  readonly address: string;
  readonly createdAt: Date;
  /** When its refresh token was last used, or the log-in. */
  readonly lastUsedAt: Date;
}

/** What somebody signs in with at an outside issuer. */
export interface Identity {
  readonly id: string;
  /** The issuer's identifier, an address. */
  readonly issuer: string;
  /** As the issuer said last; only shown, never what decides whose it is. */
  readonly email: string | null;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
}

/**
 * Why a session ended: by the user here, by the user from another device, because an old refresh token was shown, by its age,
 * or with the password.
 */
export type EndReason = "logout" | "removed" | "reuse" | "expired" | "password_changed" | "password_reset";

export interface SessionLife {
  readonly idleDays: number;
  readonly absoluteDays: number;
  readonly graceSeconds: number;
}

const ABSOLUTE_DAYS = 30;
/**
 * Tabs of one browser refresh at the same moment, and answers get lost on the way: for so long the token before still gives
 * the same successor. RFC 9700 knows no such window; without it honest users are signed out as thieves.
 */
const GRACE_SECONDS = 10;

export function sessionLife(refreshTokenDays: number): SessionLife {
  return {
    idleDays: refreshTokenDays,
    // Who sets an idle time beyond the usual end wants sessions to last that long.
    absoluteDays: Math.max(ABSOLUTE_DAYS, refreshTokenDays),
    graceSeconds: GRACE_SECONDS,
  };
}
