// The face of mail: handed in with what it tells of, sent by a job.
export type { Mail, Mailer } from "./mail.ts";
export { createMail, mailMigrations } from "./mailer.ts";
