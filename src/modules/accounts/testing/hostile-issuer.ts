// An issuer of our own that can lie in every answer: honest unless a test changes one thing.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";

export interface Lies {
  /** Replaces members of the metadata. */
  metadata?: Record<string, unknown>;
  /** Replaces members of the ID token; undefined takes one out. */
  claims?: Record<string, unknown>;
  /** Makes the ID token of its claims. */
  idToken?: (claims: Record<string, unknown>) => Promise<string> | string;
  /** Replaces parameters of the answer that the browser carries; undefined takes one out. */
  answer?: Record<string, string | undefined>;
  /** Answers of whole endpoints. */
  discovery?: () => Response;
  token?: () => Response;
  jwks?: () => Response;
}

export interface HostileIssuer {
  readonly url: string;
  readonly key: { readonly kid: string; readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  lies: Lies;
  /** Endpoints asked, in order. */
  readonly asked: string[];
  /** Form and headers of the last request at the token endpoint. */
  readonly lastToken: { form: URLSearchParams; authorization: string | null };
  stop(): Promise<void>;
}

export const HOSTILE_CLIENT = { client_id: "stoa", client_secret: "s3cret&of+tests" } as const;
export const SUBJECT = "mallory";

export function openHostileIssuer(): HostileIssuer {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { kid: "k1", ...pair };
  const nonces = new Map<string, string>();
  const lastToken: HostileIssuer["lastToken"] = { form: new URLSearchParams(), authorization: null };
  const asked: string[] = [];
  let codes = 0;

  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 60, fetch: serve });
  const url = `http://127.0.0.1:${server.port}`;
  const issuer: HostileIssuer = {
    url,
    key,
    lies: {},
    asked,
    lastToken,
    stop: () => server.stop(true),
  };

  async function serve(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    asked.push(pathname);
    const { lies } = issuer;
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return lies.discovery?.() ?? Response.json({ ...metadata(), ...lies.metadata });
      case "/authorize":
        return authorize(searchParams, lies);
      case "/token":
        lastToken.form = new URLSearchParams(await request.text());
        lastToken.authorization = request.headers.get("authorization");
        return lies.token?.() ?? token(lastToken.form, lies);
      case "/jwks":
        return lies.jwks?.() ?? Response.json({ keys: [publicJwk()] });
      default:
        return new Response("nothing here", { status: 404 });
    }
  }

  function metadata() {
    return {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  function publicJwk() {
    return { ...pair.publicKey.export({ format: "jwk" }), kid: key.kid, use: "sig", alg: "RS256" };
  }

  /** Takes every code, and as often as it is shown: an honest issuer would not. */
  function authorize(parameters: URLSearchParams, lies: Lies): Response {
    const code = `code-${++codes}`;
    nonces.set(code, parameters.get("nonce") ?? "");
    const target = new URL(parameters.get("redirect_uri") ?? "");
    const answer = { code, state: parameters.get("state") ?? "", iss: url, ...lies.answer };
    for (const [name, value] of Object.entries(answer))
      if (value !== undefined) target.searchParams.append(name, value);
    return new Response(null, { status: 302, headers: { Location: target.href } });
  }

  async function token(form: URLSearchParams, lies: Lies): Promise<Response> {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: url,
      aud: HOSTILE_CLIENT.client_id,
      sub: SUBJECT,
      nonce: nonces.get(form.get("code") ?? ""),
      iat: now,
      exp: now + 60,
      email: "mallory@hostile.example",
      email_verified: true,
      ...lies.claims,
    };
    const idToken = await (lies.idToken ?? ((given) => signWith(key, given)))(claims);
    return Response.json({
      access_token: "opaque",
      token_type: "Bearer",
      expires_in: 60,
      id_token: idToken || undefined,
    });
  }

  return issuer;
}

export function signWith(
  key: { readonly kid: string; readonly privateKey: KeyObject },
  claims: Record<string, unknown>,
  alg = "RS256",
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, kid: key.kid }).sign(key.privateKey);
}
