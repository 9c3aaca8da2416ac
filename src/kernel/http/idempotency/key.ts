// The Idempotency-Key header and what a key stands for: whose it is, for which call, and for which content.
import { createHash } from "node:crypto";
import { kernelErrors } from "../../errors/index.ts";
import type { Caller } from "../route.ts";

/** A request that carries a key. */
export interface Idempotent {
  readonly caller: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly key: string;
  /** Content-Type of the body: the same bytes as another type are another request. */
  readonly type: string;
}

/** Clients send it bare, the IETF draft asks for a structured-field string in quotes (RFC 9651 section 3.3.3): both are one key. */
const BARE = /^[\x21\x23-\x7e][\x21-\x7e]{0,254}$/;
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"$/;

/** The key without its quotes; undefined when there is none. Throws IDEMPOTENCY_KEY_INVALID. */
export function readIdempotencyKey(header: string | null): string | undefined {
  if (header === null) return undefined;
  const quoted = QUOTED.exec(header)?.[1]?.replace(/\\(["\\])/g, "$1");
  const key = quoted ?? (BARE.test(header) ? header : undefined);
  if (key === undefined) throw kernelErrors.IDEMPOTENCY_KEY_INVALID();
  return key;
}

export function callerOf(actor: Caller): string {
  return `${actor.kind}:${actor.kind === "user" ? actor.userId : actor.keyId}`;
}

/** The identity of a key as 32 bytes, and a 64-bit number made of it for an advisory lock. */
export function identify({ caller, method, path, key }: Idempotent): { id: Uint8Array; lock: string } {
  const id = createHash("sha256")
    .update(JSON.stringify([caller, method, path, key]))
    .digest();
  return { id, lock: id.readBigInt64BE(0).toString() };
}

/** Equal for bodies that mean the same JSON: neither white space nor the order of members counts. */
export function fingerprintOf({ query }: Idempotent, body: unknown): Uint8Array {
  return createHash("sha256")
    .update(JSON.stringify([query]))
    .update(canonical(body))
    .digest();
}

/** JSON with members in the order of their names. The depth of `value` was bounded when the body was read. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}
