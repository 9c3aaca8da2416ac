// Signing up: a person becomes a user with a personal project, or is told why not.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Database, Tx } from "../../../kernel/db/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import { accountCreated } from "../audit-trail.ts";
import type { CommonPasswords } from "../common-passwords.ts";
import type { EmailAddress } from "../email.ts";
import { accountErrors } from "../errors.ts";
import type { User } from "../model.ts";
import { findWeakness, normalisePassword } from "../password.ts";
import type { PasswordHasher } from "../password-hash.ts";
import { insertUser } from "../store/users.ts";

export interface SignUpDeps {
  readonly db: Database;
  readonly audit: Pick<Audit, "record">;
  readonly hasher: PasswordHasher;
  readonly commonPasswords: CommonPasswords;
  readonly passwordMinLength: number;
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
  const { db, audit, hasher, commonPasswords, passwordMinLength, hearers } = deps;

  async function refuseWeak(password: string, { email, name }: SignUp): Promise<void> {
    const weakness =
      findWeakness(password, { minLength: passwordMinLength, emailKey: email.key, name }) ??
      ((await commonPasswords.has(password))
        ? "Must not be one of the million most common passwords."
        : undefined);
    if (weakness) throw accountErrors.WEAK_PASSWORD({ fields: [{ path: "password", message: weakness }] });
  }

  return async (input: SignUp): Promise<User> => {
    const password = normalisePassword(input.password);
    await refuseWeak(password, input);
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
