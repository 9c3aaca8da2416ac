// How the accounts module says no.
import { defineErrors } from "../../kernel/errors/index.ts";

export const accountErrors = defineErrors({
  EMAIL_TAKEN: {
    status: 409,
    detail: "There is an account with this address already. Log in, or use another address.",
  },
  WEAK_PASSWORD: {
    status: 422,
    detail: "This password is too easy to guess; errors says why. Several unrelated words make a good one.",
  },
  INVALID_CREDENTIALS: {
    status: 401,
    detail: "The address or the password is wrong. Check both and try again.",
  },
  LOGIN_LOCKED: {
    status: 429,
    detail:
      "Too many wrong passwords. Wait as many seconds as Retry-After says, or sign in on a device on which you did before.",
  },
  INVALID_REFRESH_TOKEN: {
    status: 401,
    detail: "The refresh token is not valid or its session has ended. Log in again.",
  },
  SIGN_IN_BUSY: {
    status: 503,
    detail: "Too many people are signing in just now. Try again in a few seconds.",
  },
  WRONG_PASSWORD: { status: 403, detail: "The current password is not right. Check it and try again." },
  LINK_INVALID: {
    status: 422,
    detail: "This link was used already, is too old, or a newer one was sent. Ask for a new one.",
  },
  USER_NOT_FOUND: { status: 404, detail: "There is no user with this id. Check it." },
  SESSION_NOT_FOUND: {
    status: 404,
    detail: "You have no such session. GET /auth/sessions lists those you have.",
  },
});
