export type { Mail, Mailer } from "./mail.ts";
export { createTemporaryMailer } from "./temporary.ts";
