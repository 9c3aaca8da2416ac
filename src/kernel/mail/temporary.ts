// Mail that goes nowhere, until there is a way out.
import type { Mailer } from "./mail.ts";

export function createTemporaryMailer(): Mailer {
  return { async send() {} };
}
