// A real OpenID Connect issuer, oidc-provider on a loopback port, where everybody signs in without being asked.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

export interface IssuerAccount {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
}

export interface RealIssuer {
  readonly url: string;
  /** Whoever comes next is this one. */
  setAccount(account: IssuerAccount): void;
  stop(): Promise<void>;
}

export const REAL_CLIENT = { client_id: "stoa", client_secret: "a secret of the tests" } as const;

/** @param redirectUris where it may send browsers back to; it compares them to the letter. */
export async function openRealIssuer(redirectUris: readonly string[]): Promise<RealIssuer> {
  // The port must be known before the issuer is made, since its identifier has it.
  const answer: { callback?: (request: IncomingMessage, response: ServerResponse) => void } = {};
  const server = createServer((request, response) => answer.callback?.(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server on a port has an address of this kind.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let account: IssuerAccount = { sub: "nobody" };

  const provider = new Provider(url, {
    clients: [{ ...REAL_CLIENT, redirect_uris: [...redirectUris], grant_types: ["authorization_code"] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    cookies: { keys: ["a key of the tests"] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_context, sub) => ({ accountId: sub, claims: async () => ({ ...account, sub }) }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    ttl: { AccessToken: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
    pkce: { required: () => true },
  });
  const serve = provider.callback();

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params } = await provider.interactionDetails(request, response);
    const grant = new provider.Grant({ accountId: account.sub, clientId: String(params.client_id) });
    grant.addOIDCScope("openid email profile");
    const result = { login: { accountId: account.sub }, consent: { grantId: await grant.save() } };
    await provider.interactionFinished(request, response, result);
  }

  answer.callback = (request, response) => {
    if (!request.url?.startsWith("/interaction/")) return void serve(request, response);
    interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
  };
  return {
    url,
    setAccount: (next) => {
      account = next;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
