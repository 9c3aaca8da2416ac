// What signing in with outside issuers stands on, put together from the configuration.
import type { Clock } from "../../../kernel/clock/index.ts";
import { type Config, publicAddressOf } from "../../../kernel/config/index.ts";
import { StartError } from "../../../kernel/errors/index.ts";
import { createBoundedFetch } from "../../../kernel/outbound/index.ts";
import type { Secrets } from "../../../kernel/secrets/index.ts";
import type { CodeFlow } from "./code-flow.ts";
import { type Issuer, type IssuerConfig, readIssuers } from "./issuer.ts";
import { createReturnAddresses, type ReturnAddresses } from "./return-address.ts";
import { createTransactions, type Transactions } from "./transaction.ts";

export interface IssuersDeps {
  readonly config: IssuerConfig & Pick<Config, "publicUrl" | "port" | "tlsCertFile" | "allowedOrigins">;
  readonly clock: Clock;
  readonly secrets: Secrets;
}

export interface ConnectedIssuers {
  readonly issuers: ReadonlyMap<string, Issuer>;
  readonly flow: CodeFlow;
  readonly transactions: Transactions;
  readonly addresses: ReturnAddresses;
}

/** Of one call to an issuer. A sign-in makes at most four: metadata, token endpoint, keys, userinfo. */
const TIMEOUT_MS = 5_000;
/** Metadata and key sets have a few KB. */
const MAX_ANSWER_BYTES = 262_144;

export function connectIssuers({ config, clock, secrets }: IssuersDeps): ConnectedIssuers {
  const issuers = readIssuers(config);
  if (issuers.size > 0 && config.publicUrl === undefined && config.port === 0) {
    throw new StartError(
      "PUBLIC_URL is required with PORT=0 to sign in with an issuer: it sends browsers back to there.",
    );
  }
  const { url: publicUrl, isHttps } = publicAddressOf(config);
  const fetch = createBoundedFetch({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES });
  let loading: Promise<CodeFlow> | undefined;

  /** With the first sign-in: the library takes 5 MB, and many servers have no issuer. */
  async function load(): Promise<CodeFlow> {
    const [{ createCodeFlow }, { createDiscovery }] = await Promise.all([
      import("./code-flow.ts"),
      import("./discovery.ts"),
    ]);
    const callbackOf = ({ name }: Issuer) => `${publicUrl}/api/v1/auth/${name}/callback`;
    return createCodeFlow(createDiscovery({ clock, fetch }), callbackOf);
  }

  function flow(): Promise<CodeFlow> {
    loading ??= load();
    return loading;
  }

  return {
    issuers,
    flow: {
      begin: async (issuer, slot) => (await flow()).begin(issuer, slot),
      finish: async (issuer, transaction, parameters) =>
        (await flow()).finish(issuer, transaction, parameters),
    },
    transactions: createTransactions({ secrets, clock, isHttps }),
    addresses: createReturnAddresses(publicUrl, config.allowedOrigins),
  };
}
