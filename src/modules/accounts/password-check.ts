// Whether a new password may be taken: the rules of password.ts and the list of common ones, in one place for all who set one.
import type { CommonPasswords } from "./common-passwords.ts";
import { accountErrors } from "./errors.ts";
import { findWeakness } from "./password.ts";

export interface PasswordCheckDeps {
  readonly commonPasswords: CommonPasswords;
  readonly passwordMinLength: number;
}

export type PasswordCheck = ReturnType<typeof createPasswordCheck>;

/** Throws WEAK_PASSWORD with the reason. Takes the password normalised. */
export function createPasswordCheck({ commonPasswords, passwordMinLength }: PasswordCheckDeps) {
  return async (password: string, user: { emailKey: string; name: string | null }): Promise<void> => {
    const weakness =
      findWeakness(password, { minLength: passwordMinLength, ...user }) ??
      ((await commonPasswords.has(password))
        ? "Must not be one of the million most common passwords."
        : undefined);
    if (weakness) throw accountErrors.WEAK_PASSWORD({ fields: [{ path: "password", message: weakness }] });
  };
}
