// Signing up: a person becomes a user with a personal project, or is told why not.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Database, Tx } from "../../../kernel/db/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import { accountCreated } from "../audit-trail.ts";
import type { EmailAddress } from "../email.ts";
import { accountErrors } from "../errors.ts";
import type { User } from "../model.ts";
import { normalisePassword } from "../password.ts";
import type { PasswordCheck } from "../password-check.ts";
import type { PasswordHasher } from "../password-hash.ts";
import { insertUser } from "../store/users.ts";

export interface SignUpDeps {
  readonly db: Database;
  readonly audit: Pick<Audit, "record">;
  readonly hasher: PasswordHasher;
  readonly checkPassword: PasswordCheck;
  /** Called in the sign-up's transaction. */
  readonly hearers: readonly ((tx: Tx, user: User) => Promise<void>)[];
}

export interface SignUp {
  readonly email: EmailAddress;
  readonly password: string;
  readonly name: string | null;
  /** Where it came from. */
  readonly address: string;
}

export function createSignUp(deps: SignUpDeps) {
  const { db, audit, hasher, checkPassword, hearers } = deps;

  return async (input: SignUp): Promise<User> => {
    const password = normalisePassword(input.password);
    await checkPassword(password, { emailKey: input.email.key, name: input.name });
    const passwordHash = await hasher.hash(password);
    return db.transaction(async (tx) => {
      const user = await insertUser(tx, { id: newId(), email: input.email, name: input.name, passwordHash });
      if (!user) throw accountErrors.EMAIL_TAKEN();
      await audit.record(tx, accountCreated(user.id, input.address));
      for (const hear of hearers) await hear(tx, user);
      return user;
    });
  };
}
