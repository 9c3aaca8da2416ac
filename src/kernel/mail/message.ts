// A mail as it goes over the wire: one recipient, plain text, headers that say a machine wrote it.
import type { Mail } from "./mail.ts";

/** Who mails come from. */
export interface Sender {
  readonly name: string;
  readonly address: string;
}

/** In the form that nodemailer takes; it encodes names, subjects and text. */
export interface Message {
  readonly from: Sender;
  /** An object, so that no comma in it makes a second recipient. */
  readonly to: Sender;
  readonly subject: string;
  readonly text: string;
  /** The same at each attempt, so that a mail sent twice after an unclear end is known to be one. */
  readonly messageId: string;
  readonly date: Date;
  readonly headers: Readonly<Record<string, string>>;
  readonly disableFileAccess: true;
  readonly disableUrlAccess: true;
}

/** One address and nothing that a header or an SMTP command could take for its end. */
const ADDRESS = /^[^\s\p{C}<>,;:"()[\]\\@]{1,64}@[^\s\p{C}<>,;:"()[\]\\@]{1,255}$/u;
const MAX_SUBJECT_CHARS = 200;
const MAX_TEXT_CHARS = 100_000;

/** Throws when it could break out of its header: whoever wrote the mail let a user's text through. */
export function checkMail({ to, subject, text }: Mail): void {
  if (!ADDRESS.test(to)) throw new TypeError("the recipient of a mail is not one plain address");
  if (/\p{Cc}/u.test(subject))
    throw new TypeError("the subject of a mail has a line break or another control");
  if (subject.length > MAX_SUBJECT_CHARS || text.length > MAX_TEXT_CHARS)
    throw new RangeError("a mail is too long");
}

/** `Stoa <stoa@example.org>` or `stoa@example.org`, as the configuration has checked it. */
export function parseSender(text: string): Sender {
  const [, name = "", address = text] = text.match(/^(.*?)\s*<([^<>]+)>$/u) ?? [];
  return { name: name.replace(/^"(.*)"$/u, "$1"), address: address.trim() };
}

export function toMessage(
  mail: Mail,
  { id, from, date }: { readonly id: string; readonly from: Sender; readonly date: Date },
): Message {
  const domain = from.address.slice(from.address.lastIndexOf("@") + 1);
  return {
    from,
    to: { name: "", address: mail.to },
    subject: mail.subject,
    text: mail.text,
    messageId: `<${id}@${domain}>`,
    date,
    // RFC 3834: so that out-of-office programs do not answer.
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
