// Wiring of accounts.
import type { Sql, Tx } from "../../kernel/db/index.ts";
import type { User } from "./model.ts";

export interface Accounts {
  /** Calls `hear` in the transaction of every sign-up, before its end; what it throws undoes the sign-up. Call it while wiring. */
  onSignUp(hear: (tx: Tx, user: User) => Promise<void>): void;
  /** Throws USER_NOT_FOUND. */
  getUser(sql: Sql, id: string): Promise<User>;
}
