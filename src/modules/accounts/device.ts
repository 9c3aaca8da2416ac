// The device that a request comes from, and when two are one: the same user agent from the same network.
import { createHash } from "node:crypto";
import { networkOf } from "../../kernel/limits/index.ts";
import type { Device } from "./actions/sessions.ts";

/** Of IPv6 the /64 counts: devices change the rest of their address every day (RFC 8981). 32 bytes that say nothing to a reader and are the same for the same device. */
export function fingerprint({ userAgent, address }: Device): Uint8Array {
  return createHash("sha256")
    .update(`${networkOf(address)}\n${userAgent ?? ""}`)
    .digest();
}

const MAX_USER_AGENT_CHARS = 512;

export function deviceOf(request: Request, address: string): Device {
  const userAgent = request.headers.get("user-agent")?.slice(0, MAX_USER_AGENT_CHARS) ?? null;
  return { userAgent, address, cookies: request.headers.get("cookie") };
}
