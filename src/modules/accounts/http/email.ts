// Routes of what is done by mail: an address verified or changed, a password forgotten, reset or changed.
import { z } from "zod";
import { type Reply, type Route, route } from "../../../kernel/http/index.ts";
import type { EmailActions } from "../actions/email.ts";
import type { PasswordActions } from "../actions/passwords.ts";
import { accountErrors as no } from "../errors.ts";
import { email, password } from "./account.ts";

export interface EmailRouteDeps {
  readonly emails: EmailActions;
  readonly passwords: PasswordActions;
  /** Hands the mail in whatever the address, and takes the same time for any. */
  readonly forget: (email: string) => Promise<void>;
}

const PATH = "/api/v1/auth";
const MAX_BODY_BYTES = 16_384;
const DONE: Reply = { status: 204 };
const token = z.string().max(1_024).meta({ description: "What stands after #token= in the mailed link." });
/** Only bounded: to say more would tell what passwords look like. */
const knownPassword = z.string().max(1_024);

export function emailRoutes({ emails, passwords, forget }: EmailRouteDeps): Route[] {
  return [
    route(
      {
        method: "POST",
        path: `${PATH}/email/verify`,
        operationId: "verifyEmail",
        tag: "accounts",
        summary: "Verify an address with the token of a mailed link",
        description:
          "Of the mail after a sign-up, or of the one to a new address, which then takes the place of the old one.",
        access: "public",
        body: z.strictObject({ token }),
        maxBodyBytes: MAX_BODY_BYTES,
        responses: { 204: { description: "The address is verified." } },
        errors: [no.LINK_INVALID, no.EMAIL_TAKEN],
      },
      async ({ body, address }) => {
        await emails.verify(body.token, address);
        return DONE;
      },
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/email/verification`,
        operationId: "sendVerification",
        tag: "accounts",
        summary: "Ask for another mail that verifies the address",
        description:
          "A few an hour; further ones are not sent, and none when the address is verified already.",
        access: "user",
        responses: { 202: { description: "A mail is on its way, if one is needed." } },
      },
      async ({ actor }) => {
        await emails.sendVerificationAgain(actor.userId);
        return { status: 202 };
      },
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/email/change`,
        operationId: "changeEmail",
        tag: "accounts",
        summary: "Ask for another address",
        description:
          "A link is mailed to the new address and a notice to the old one; the address changes when the link's token is given to POST /auth/email/verify.",
        access: "user",
        body: z.strictObject({ email, password: knownPassword }),
        maxBodyBytes: MAX_BODY_BYTES,
        responses: { 202: { description: "The mails are on their way; alike when the address is taken." } },
        errors: [no.WRONG_PASSWORD, no.SIGN_IN_BUSY],
      },
      async ({ actor: { userId }, body, address }) => {
        await emails.askForChange({ userId, address }, body);
        return { status: 202 };
      },
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/password/forgot`,
        operationId: "forgotPassword",
        tag: "accounts",
        summary: "Ask for a mail with a link to choose a new password",
        description: "The answer is the same for every address, known or not.",
        access: "public",
        body: z.strictObject({ email: z.string().max(320) }),
        maxBodyBytes: MAX_BODY_BYTES,
        responses: { 202: { description: "If there is such an account, a mail is on its way." } },
      },
      async ({ body }) => {
        await forget(body.email);
        return { status: 202 };
      },
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/password/reset`,
        operationId: "resetPassword",
        tag: "accounts",
        summary: "Choose a new password with the token of a mailed link",
        description: "All sessions of the user end. It signs nobody in: log in with the new password.",
        access: "public",
        body: z.strictObject({ token, password }),
        maxBodyBytes: MAX_BODY_BYTES,
        responses: { 204: { description: "The password is changed." } },
        errors: [no.LINK_INVALID, no.WEAK_PASSWORD, no.SIGN_IN_BUSY],
      },
      async ({ body, address }) => {
        await passwords.reset(body, address);
        return DONE;
      },
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/password/change`,
        operationId: "changePassword",
        tag: "accounts",
        summary: "Change the password",
        description: "All other sessions of the user end, and this one goes on.",
        access: "user",
        body: z.strictObject({ current_password: knownPassword, password }),
        maxBodyBytes: MAX_BODY_BYTES,
        responses: { 204: { description: "The password is changed." } },
        errors: [no.WRONG_PASSWORD, no.WEAK_PASSWORD, no.SIGN_IN_BUSY],
      },
      async ({ actor: { userId, sessionId }, body, address }) => {
        const input = { currentPassword: body.current_password, password: body.password };
        await passwords.change({ userId, sessionId, address }, input);
        return DONE;
      },
    ),
  ];
}
