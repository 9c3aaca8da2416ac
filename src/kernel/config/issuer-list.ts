// The setting OIDC_ISSUERS: a JSON list of the issuers that people may sign in with, checked entry by entry.
import { z } from "zod";

/** An OpenID Connect issuer and this server's registration with it. */
export interface IssuerSetting {
  /** Stands in the address of its sign-in: /auth/NAME. */
  readonly name: string;
  /** The issuer identifier, to the letter as its metadata have it. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
}

const FORM =
  'a JSON list like [{"name": "acme", "issuer": "https://id.acme.example", "client_id": "…", "client_secret": "…"}]';
const DEFAULT_SCOPES = ["openid", "email", "profile"];
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

// The messages end the sentence "…, in which NAME must be …". None of them quotes a value: one may be a secret.
const entry = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, "1 to 32 small letters, digits and hyphens, a letter first"),
  issuer: z
    .string()
    .refine(isIssuer, "an https:// address without query or fragment (http:// only on localhost)"),
  client_id: z.string().min(1, "the id that the issuer gave"),
  client_secret: z.string().min(1, "the secret that the issuer gave"),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "a scope's name"))
    .refine((scopes) => scopes.includes("openid"), 'a list with "openid" in it')
    .default(DEFAULT_SCOPES),
});

/** Throws what the text must be. */
export function issuerList(text: string): readonly IssuerSetting[] {
  const parsed = z.array(entry).safeParse(parse(text));
  if (!parsed.success) throw new Error(explain(parsed.error.issues[0]));
  const names = parsed.data.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new Error(`${FORM}, in which each name must stand once; "${twice}" stands twice`);
  return parsed.data.map((each) => ({
    name: each.name,
    issuer: each.issuer,
    clientId: each.client_id,
    clientSecret: each.client_secret,
    scopes: each.scopes,
  }));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(FORM);
  }
}

function explain(issue: z.core.$ZodIssue | undefined): string {
  const [index, field] = issue?.path ?? [];
  if (issue === undefined || typeof index !== "number") return FORM;
  const place = `${FORM}; in entry ${index + 1}`;
  if (issue.code === "unrecognized_keys") return `${place} there must be no ${issue.keys.join(", ")}`;
  const isGiven = issue.code !== "invalid_type";
  return `${place} ${String(field ?? "each")} must be ${isGiven ? issue.message : "there, and as in this example"}`;
}

/** OpenID Connect Discovery 1.0 section 3: https, no query, no fragment. */
function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  if (url?.username !== "" || url.password !== "" || /[?#]/.test(text)) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname));
}
