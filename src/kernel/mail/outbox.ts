// Mails without a mail server: a file each, for the developer to read.
import { chmod, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Logger } from "../telemetry/index.ts";
import type { Carrier } from "./carrier.ts";

export interface OutboxOptions {
  readonly directory: string;
  readonly log: Logger;
  /** Default 500; the oldest go. */
  readonly maxMails?: number;
}

const MAX_MAILS = 500;

export function createOutbox({ log, maxMails = MAX_MAILS, ...options }: OutboxOptions): Carrier {
  const directory = resolve(options.directory);
  let composer: ReturnType<typeof open> | undefined;

  /** With the first mail: the library takes 15 MB. */
  async function open() {
    const { createTransport } = await import("nodemailer");
    return createTransport({ streamTransport: true, buffer: true, newline: "unix" });
  }

  async function dropOldest(): Promise<void> {
    const names = (await readdir(directory)).filter((name) => name.endsWith(".eml")).sort();
    const tooMany = names.slice(0, Math.max(0, names.length - maxMails));
    await Promise.all(tooMany.map((name) => rm(join(directory, name), { force: true })));
  }

  return {
    async carry(id, message) {
      composer ??= open();
      const mail = { ...message, headers: { ...message.headers } };
      const { message: text } = await (await composer).sendMail(mail);
      // Like 20261121T064359.123Z-<id>.eml: in the order of the mails, and the same at each attempt.
      const name = `${message.date.toISOString().replace(/[:-]/g, "")}-${id}.eml`;
      const path = join(directory, name);
      // It holds links that open accounts: for nobody else on this machine.
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await chmod(directory, 0o700);
      // With `buffer` it is no stream.
      await writeFile(`${path}.new`, readable(text as Buffer, message.text), { mode: 0o600 });
      await rename(`${path}.new`, path);
      await dropOldest();
      log.info({ mail_id: id, path }, "no SMTP_URL is set: a mail lies in the outbox");
    },
    close() {},
  };
}

/** The mail with its text as it was written: a link that is encoded for the wire cannot be copied out of a file. */
function readable(composed: Buffer, text: string): string {
  const headers = composed.toString("utf8").split("\n\n", 1)[0] ?? "";
  return `${headers.replace(/^(Content-Transfer-Encoding:).*$/m, "$1 8bit")}\n\n${text}`;
}
