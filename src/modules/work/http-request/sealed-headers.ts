// Headers of a call as they are kept: each value sealed for the origin it is meant for, since it may well be a password.
import type { Secrets } from "../../../kernel/secrets/index.ts";

export type Headers = Readonly<Record<string, string>>;

const PREFIX = "sealed:";
/** What of a sealed value is shown. */
export const MASK = "********";

const purposeOf = (url: string) => `headers of a call to ${new URL(url).origin}`;

/** Those that are sealed already stay as they are: an input is read again whenever it is handed on. */
export function sealHeaders(secrets: Secrets, url: string, headers: Headers): Headers {
  const purpose = purposeOf(url);
  const sealed = Object.entries(headers).map(([name, value]) => {
    if (value.startsWith(PREFIX)) return [name, value];
    const bytes = secrets.encrypt(purpose, Buffer.from(value));
    return [name, PREFIX + Buffer.from(bytes).toString("base64")];
  });
  return Object.fromEntries(sealed);
}

/** Throws when one was sealed for another origin, or under another SECRET_KEY. */
export function openHeaders(secrets: Secrets, url: string, headers: Headers): Record<string, string> {
  const purpose = purposeOf(url);
  const opened = Object.entries(headers).map(([name, value]) => {
    const bytes = secrets.decrypt(purpose, Buffer.from(value.slice(PREFIX.length), "base64"));
    return [name, Buffer.from(bytes).toString()];
  });
  return Object.fromEntries(opened);
}

/** Whether what looks sealed is so, for this address, by us. */
export function canOpen(secrets: Secrets, url: string, headers: Headers): boolean {
  const sealed = Object.entries(headers).filter(([, value]) => value.startsWith(PREFIX));
  if (sealed.length === 0) return true;
  try {
    openHeaders(secrets, url, Object.fromEntries(sealed));
    return true;
  } catch {
    return false;
  }
}

/** An input as it may be shown to all members: also of tasks that seal nothing, which stay as they are. */
export function maskSealed(input: unknown): unknown {
  if (typeof input !== "object" || input === null || !("headers" in input)) return input;
  const { headers } = input;
  if (typeof headers !== "object" || headers === null) return input;
  const masked = Object.entries(headers).map(([name, value]) => {
    const isSealed = typeof value === "string" && value.startsWith(PREFIX);
    return [name, isSealed ? MASK : value];
  });
  return { ...input, headers: Object.fromEntries(masked) };
}
