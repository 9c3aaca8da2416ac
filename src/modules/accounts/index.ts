// The face of accounts: who there is, and what happens when somebody signs up.
export { type EmailAddress, parseEmail } from "./email.ts";
export { accountErrors } from "./errors.ts";
export { type Accounts, accountsMigrations, createAccounts } from "./module.ts";
export type { UserName } from "./store/users.ts";
