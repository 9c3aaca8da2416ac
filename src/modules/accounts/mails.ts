// What our mails say, all of it. Nothing in them is a text of users, so that nobody sends words of his own through us.
import type { Mail } from "../../kernel/mail/index.ts";
import type { Device } from "./actions/sessions.ts";

/** Where the links in mails lead, and whom the mails come from. */
export interface MailPlaces {
  /** Of the server, as its users know it. */
  readonly publicUrl: string;
  /** Of the pages `verify` and `reset`. */
  readonly pagesUrl: string;
}

const MAX_AGENT_CHARS = 120;

export type AccountMails = ReturnType<typeof createAccountMails>;

export function createAccountMails({ publicUrl, pagesUrl }: MailPlaces) {
  // After the #, which browsers send to no server: the token reaches no log on the way.
  const linkTo = (page: "verify" | "reset", token: string) => `${pagesUrl}/${page}#token=${token}`;
  const account = `your account at ${publicUrl}`;
  const mail = (to: string, subject: string, paragraphs: readonly string[]): Mail => ({
    to,
    subject,
    text: `${paragraphs.join("\n\n")}\n`,
  });

  return {
    verify: (to: string, token: string) =>
      mail(to, "Confirm your address", [
        `Somebody signed up with this address at ${publicUrl}. If that was you, open this link within 24 hours to confirm the address:`,
        linkTo("verify", token),
        "If it was not you, do nothing.",
      ]),
    reset: (to: string, token: string) =>
      mail(to, "Choose a new password", [
        `Somebody asked for a new password for ${account}. If that was you, open this link within 30 minutes:`,
        linkTo("reset", token),
        "It can be used once. If it was not you, do nothing: your password stays as it is.",
      ]),
    change: (to: string, token: string) =>
      mail(to, "Confirm your new address", [
        `Somebody wants this to be the address of an account at ${publicUrl}. If that was you, open this link within an hour:`,
        linkTo("verify", token),
        "If it was not you, do nothing.",
      ]),
    addressTaken: (to: string) =>
      mail(to, "This address has an account already", [
        `Somebody, perhaps you, wanted to use this address for another account at ${publicUrl}. It belongs to yours already, so nothing was changed.`,
      ]),
    changeAsked: (to: string, newAddress: string) =>
      mail(to, "A new address was asked for", [
        `Somebody who knows your password wants to change the address of ${account} to ${newAddress}. It changes when the link sent there is opened.`,
        "If it was not you, choose a new password now: that ends all sessions and the link too.",
      ]),
    emailChanged: (to: string, newAddress: string) =>
      mail(to, "Your address was changed", [
        `The address of ${account} is ${newAddress} now, and no longer this one.`,
        "If it was not you, write to whoever runs the server at once.",
      ]),
    passwordChanged: (to: string) =>
      mail(to, "Your password was changed", [
        `The password of ${account} was changed, and other devices were signed out.`,
        `If it was not you, choose a new password now with “forgot password”, and write to whoever runs the server.`,
      ]),
    passwordDisabled: (to: string) =>
      mail(to, "Your password was disabled", [
        `After a hundred wrong passwords in a row the password of ${account} does not open it any more. Devices that are signed in stay so.`,
        "Choose a new password with “forgot password”. Nobody has got in with a wrong one.",
      ]),
    newDevice: (to: string, { userAgent, address }: Device, at: Date) =>
      mail(to, "A new device has signed in", [
        `Somebody signed in to ${account} from a device that we had not seen before.`,
        [
          `Time: ${at.toISOString().slice(0, 16).replace("T", " ")} UTC`,
          `Address: ${address}`,
          `Program: ${plainAgent(userAgent)}`,
        ].join("\n"),
        "If it was not you, choose a new password now: that signs all devices out.",
      ]),
  };
}

/** As a program calls itself, without what could make a link or a line of its own. */
function plainAgent(userAgent: string | null): string {
  const plain = (userAgent ?? "")
    .replace(/[^\x20-\x7e]|:\/\/|www\./gi, " ")
    .slice(0, MAX_AGENT_CHARS)
    .trim();
  return plain === "" ? "it did not say" : plain;
}
