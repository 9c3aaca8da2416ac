// When two log-ins are of one device: the same user agent from the same network.
import { createHash } from "node:crypto";
import ipaddr from "ipaddr.js";
import type { Device } from "./actions/sessions.ts";

/** 32 bytes that say nothing to a reader and are the same for the same device. */
export function fingerprint({ userAgent, address }: Device): Uint8Array {
  return createHash("sha256")
    .update(`${networkOf(address)}\n${userAgent ?? ""}`)
    .digest();
}

/** Of IPv6 the /64: devices change the rest of their address every day (RFC 8981). */
function networkOf(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address;
  return ipaddr.IPv6.parse(address).parts.slice(0, 4).join(":");
}
