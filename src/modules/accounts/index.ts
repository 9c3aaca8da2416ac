// The face of accounts: who there is, and what happens when somebody signs up.
export { accountErrors } from "./errors.ts";
export { type Accounts, accountsMigrations, createAccounts } from "./module.ts";
