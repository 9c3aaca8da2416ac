// What issuers say of themselves: their metadata, fetched when first needed, checked, and kept for a while.
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from "openid-client";
import type { Clock } from "../../../kernel/clock/index.ts";
import type { BoundedFetch } from "../../../kernel/outbound/index.ts";
import type { Issuer } from "./issuer.ts";

export interface Discovery {
  /** Throws whatever kept the issuer's metadata from being read or believed. Callers of one moment share a request. */
  get(issuer: Issuer): Promise<Configuration>;
}

export interface DiscoveryDeps {
  readonly clock: Clock;
  readonly fetch: BoundedFetch;
}

/** Issuers change their endpoints and keys seldom, and announce it days before. */
const KEPT_MS = 600_000;

export function createDiscovery({ clock, fetch }: DiscoveryDeps): Discovery {
  const known = new Map<string, { readonly configuration: Configuration; readonly until: number }>();
  const asking = new Map<string, Promise<Configuration>>();

  async function ask(issuer: Issuer): Promise<Configuration> {
    const configuration = await discover(issuer, fetch);
    known.set(issuer.name, { configuration, until: clock.now() + KEPT_MS });
    return configuration;
  }

  return {
    async get(issuer) {
      const kept = known.get(issuer.name);
      if (kept && clock.now() < kept.until) return kept.configuration;
      const running = asking.get(issuer.name);
      if (running) return running;
      const asked = ask(issuer).finally(() => asking.delete(issuer.name));
      asking.set(issuer.name, asked);
      return asked;
    },
  };
}

async function discover(issuer: Issuer, fetch: BoundedFetch): Promise<Configuration> {
  const isLoopback = new URL(issuer.issuer).protocol === "http:";
  const configuration = await discovery(
    new URL(issuer.issuer),
    issuer.clientId,
    undefined,
    authentication(issuer.clientSecret),
    {
      // Only an issuer that the operator has set with http://, which is one on this machine.
      execute: isLoopback
        ? [enableNonRepudiationChecks, allowInsecureRequests]
        : [enableNonRepudiationChecks],
      [customFetch]: (url, { method, headers, body, signal }) =>
        // The library types a body wider than it sends: it sends forms.
        fetch(url, { method, headers, body: body as RequestInit["body"], signal }),
    },
  );
  const { issuer: said, authorization_endpoint: endpoint } = configuration.serverMetadata();
  // The library compares as addresses; RFC 8414 section 3.3 and RFC 9207 section 2.4 want the same text.
  if (said !== issuer.issuer) throw new Error("the metadata are of another issuer");
  const protocol = endpoint === undefined ? undefined : URL.parse(endpoint)?.protocol;
  if (protocol !== "https:" && !(isLoopback && protocol === "http:"))
    throw new Error("the metadata have no authorization endpoint that a browser may be sent to");
  return configuration;
}

/** As the issuer prefers; the way that it takes when it says nothing is in the header (Discovery 1.0 section 3). */
function authentication(clientSecret: string): ClientAuth {
  const post = ClientSecretPost(clientSecret);
  const basic = ClientSecretBasic(clientSecret);
  return (server, client, body, headers) => {
    const ways = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    return (ways.includes("client_secret_basic") ? basic : post)(server, client, body, headers);
  };
}
