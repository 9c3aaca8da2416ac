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
  ISSUER_NOT_FOUND: {
    status: 404,
    detail: "There is no sign-in with an issuer of this name. Check the name, or sign in another way.",
  },
  RETURN_ADDRESS_FORBIDDEN: {
    status: 422,
    detail: "return_to must be a page of this server or of an origin in ALLOWED_ORIGINS, without a fragment.",
  },
  ISSUER_UNAVAILABLE: {
    status: 503,
    detail:
      "The sign-in service does not answer as it should just now. Try again in a moment, or sign in another way.",
  },
  SIGN_IN_NOT_FOUND: {
    status: 403,
    detail: "This sign-in was not begun in this browser, or too long ago. Begin it again.",
  },
  SIGN_IN_DENIED: { status: 403, detail: "The sign-in was cancelled at the sign-in service." },
  ISSUER_ANSWER_REFUSED: {
    status: 403,
    detail: "The answer of the sign-in service could not be trusted, and nobody was signed in. Begin again.",
  },
  ISSUER_EMAIL_UNVERIFIED: {
    status: 403,
    detail: "The sign-in service has not verified your email address. Verify it there and try again.",
  },
  ACCOUNT_EMAIL_UNVERIFIED: {
    status: 409,
    detail:
      "There is an account with your address, which was not verified here. Log in with its password and verify the address first.",
  },
  INVALID_SIGN_IN_CODE: {
    status: 401,
    detail: "The code is not valid, was used before, or is older than a minute. Begin the sign-in again.",
  },
  IDENTITY_NOT_FOUND: {
    status: 404,
    detail: "You have no such identity. GET /auth/identities lists those you have.",
  },
  LAST_WAY_IN: {
    status: 409,
    detail: "This is your only way to sign in. Set a password first, or add another identity.",
  },
});
