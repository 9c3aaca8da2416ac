// Stands in for mail until it is there.
import type { Mailer } from "./mail.ts";

export function createTemporaryMailer(): Mailer {
  return { send: async () => {} };
}
