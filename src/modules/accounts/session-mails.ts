// What the server writes to the owner of a session.
import type { Mail } from "../../kernel/mail/index.ts";
import { deviceName } from "./device-name.ts";
import type { Session } from "./model.ts";

export interface ReuseNotice {
  readonly email: string;
  /** The session that was ended. */
  readonly session: Pick<Session, "userAgent" | "createdAt">;
  /** Who has shown the used token: the thief or the owner, nobody can say. */
  readonly address: string;
  readonly at: Date;
}

/** Without a link: a mail that asks to click on one is what thieves send. */
export function reuseMail({ email, session, address, at }: ReuseNotice): Mail {
  return {
    to: email,
    subject: "We signed a device out of your Stoa account",
    text: [
      "A sign-in to your Stoa account was used from two places at once, as happens when somebody has copied it. To be safe we have ended it:",
      "",
      `Device: ${deviceName(session.userAgent)}, signed in ${toText(session.createdAt)}`,
      `Last seen at: ${address}, ${toText(at)}`,
      "",
      "Your other devices are still signed in. Sign in again on this one.",
      "",
      "If you cannot explain it, change your password and sign out all other devices in the settings of your account.",
      "",
    ].join("\n"),
  };
}

/** Like 2026-11-21 07:03 UTC: we do not know where the reader is. */
function toText(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
