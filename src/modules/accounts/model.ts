// What an account is, and what a session is.

export interface User {
  readonly id: string;
  /** As it was given, its domain in lower case; unique whatever the case. */
  readonly email: string;
  readonly name: string | null;
  readonly createdAt: Date;
}
