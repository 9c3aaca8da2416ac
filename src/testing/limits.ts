// Settings for tests and measurements, in which one address is many people and one person asks thousands of times a second.

/** As the environment gives them; a test of a limit sets its own over them. */
export const LIMITS_OFF = {
  AUTH_RATE_LIMIT_PER_MINUTE: "0",
  RATE_LIMIT_PER_MINUTE: "0",
  USER_RATE_LIMIT_PER_MINUTE: "0",
  LOGIN_WAIT_SECONDS: "0",
} as const;
