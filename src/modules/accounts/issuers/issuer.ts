// The issuers that people may sign in with, as the operator has set them: Google, and any other.
import type { Config } from "../../../kernel/config/index.ts";
import { StartError } from "../../../kernel/errors/index.ts";

export interface Issuer {
  /** Stands in the addresses of its sign-in. */
  readonly name: string;
  /** Its identifier, to the letter. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
}

export type IssuerConfig = Pick<Config, "googleClientId" | "googleClientSecret" | "oidcIssuers">;

const GOOGLE = {
  name: "google",
  issuer: "https://accounts.google.com",
  scopes: ["openid", "email", "profile"],
};

/** What stands behind /auth/ already; a test compares it with the routes that there are. */
export const TAKEN_NAMES: ReadonlySet<string> = new Set(
  "signup login logout refresh exchange me verify sessions identities audit password email devices callback".split(
    " ",
  ),
);

/** By name. Throws a StartError for a name that cannot be one. */
export function readIssuers(config: IssuerConfig): ReadonlyMap<string, Issuer> {
  const { googleClientId: clientId, googleClientSecret: clientSecret, oidcIssuers = [] } = config;
  const hasGoogle = clientId !== undefined && clientSecret !== undefined;
  const issuers = new Map<string, Issuer>(
    hasGoogle ? [[GOOGLE.name, { ...GOOGLE, clientId, clientSecret }]] : [],
  );
  for (const issuer of oidcIssuers) {
    const { name } = issuer;
    if (TAKEN_NAMES.has(name)) {
      throw new StartError(
        `OIDC_ISSUERS must not name an issuer "${name}": /auth/${name} is an address of its own.`,
      );
    }
    if (issuers.has(name)) {
      throw new StartError(
        `OIDC_ISSUERS must not name an issuer "${name}": GOOGLE_CLIENT_ID has set it already.`,
      );
    }
    issuers.set(name, issuer);
  }
  return issuers;
}
