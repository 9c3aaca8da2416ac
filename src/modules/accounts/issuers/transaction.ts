// A sign-in under way: what the callback must be compared with, sealed into a cookie of the browser that began it.
import { z } from "zod";
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Secrets } from "../../../kernel/secrets/index.ts";

const transactionSchema = z.strictObject({
  issuer: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
  /** SHA-256, base64url, of what the client must show with the code. */
  challenge: z.string().nullable(),
  expiresAt: z.number(),
});

export type Transaction = Omit<z.infer<typeof transactionSchema>, "expiresAt">;

export interface Transactions {
  /** The Set-Cookie header that gives it to the browser. */
  toCookie(transaction: Transaction): string;
  /** The one that this browser has begun with this state, if it is not too old. */
  find(cookies: string | null, state: string): Transaction | undefined;
  /** The Set-Cookie header that takes it away again. */
  forget(state: string): string;
  /** Begins every state: a browser can have so many sign-ins under way, in as many tabs, that its cookies stay few. */
  pickSlot(cookies: string | null): string;
}

export interface TransactionDeps {
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly isHttps: boolean;
}

const PURPOSE = "sign-in with an issuer";
const LIFE_SECONDS = 600;
const SLOTS = ["0", "1", "2", "3"] as const;

export function createTransactions({ secrets, clock, isHttps }: TransactionDeps): Transactions {
  // __Host-: no page of a sibling domain can plant a cookie of that name, and with it a sign-in of its own.
  const name = (slot: string) => `${isHttps ? "__Host-" : ""}stoa-sign-in-${slot}`;
  // Lax: the browser comes back from another site, by a link.
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isHttps ? "; Secure" : ""}`;

  function read(sealed: string): z.infer<typeof transactionSchema> | undefined {
    try {
      const plain = secrets.decrypt(PURPOSE, Buffer.from(sealed, "base64url"));
      return transactionSchema.parse(JSON.parse(Buffer.from(plain).toString()));
    } catch {
      return undefined;
    }
  }

  return {
    toCookie(transaction) {
      const plain = JSON.stringify({ ...transaction, expiresAt: clock.now() + LIFE_SECONDS * 1000 });
      const sealed = Buffer.from(secrets.encrypt(PURPOSE, Buffer.from(plain))).toString("base64url");
      return `${name(slotOf(transaction.state))}=${sealed}; Max-Age=${LIFE_SECONDS}; ${attributes}`;
    },
    find(cookies, state) {
      const sealed = readCookies(cookies).get(name(slotOf(state)));
      const found = sealed === undefined ? undefined : read(sealed);
      if (!found || found.state !== state || clock.now() >= found.expiresAt) return undefined;
      const { expiresAt, ...transaction } = found;
      return transaction;
    },
    forget: (state) => `${name(slotOf(state))}=; Max-Age=0; ${attributes}`,
    pickSlot(cookies) {
      const taken = readCookies(cookies);
      return SLOTS.find((slot) => !taken.has(name(slot))) ?? SLOTS[0];
    },
  };
}

function slotOf(state: string): string {
  return SLOTS.find((slot) => state.startsWith(slot)) ?? SLOTS[0];
}

function readCookies(header: string | null): Map<string, string> {
  const pairs = (header ?? "").split(";").map((pair) => pair.trim().split(/=(.*)/s));
  return new Map(pairs.map(([name = "", value = ""]) => [name, value]));
}
