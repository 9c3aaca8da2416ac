// Who the client is behind proxies: X-Forwarded-For, believed only as far as those who wrote it are trusted.
import ipaddr from "ipaddr.js";
import { parseAddress } from "./address.ts";

export interface TrustedProxies {
  /** The nearest address that is not a trusted proxy's; what stands before it in the header, anyone may have written. */
  clientOf(peer: string, forwardedFor: string | null): string;
}

type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, prefixBits: number];

/** Undefined when no proxy is trusted. @param networks addresses and CIDR blocks, as checked by the configuration. */
export function createTrustedProxies(networks: readonly string[]): TrustedProxies | undefined {
  if (networks.length === 0) return undefined;
  const trusted: Network[] = networks.map((text) =>
    ipaddr.parseCIDR(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`),
  );
  const isTrusted = (address: string) => {
    if (parseAddress(address) === undefined) return false;
    const parsed = ipaddr.process(address);
    return trusted.some((network) => parsed.kind() === network[0].kind() && parsed.match(network));
  };
  return {
    clientOf(peer, forwardedFor) {
      if (forwardedFor === null) return peer;
      let client = peer;
      let end = forwardedFor.length;
      while (end >= 0 && isTrusted(client)) {
        const comma = forwardedFor.lastIndexOf(",", end - 1);
        const next = readHop(forwardedFor.slice(comma + 1, end));
        // A trusted proxy writes addresses: where there is none nothing before it can be believed.
        if (next === undefined) break;
        client = next;
        if (comma < 0) break;
        end = comma;
      }
      return client;
    },
  };
}

/** Some proxies add the port, and put IPv6 into brackets then. */
function readHop(text: string): string | undefined {
  const hop = text.trim();
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1];
  const ported = /^(\d+(?:\.\d+){3}):\d+$/.exec(hop)?.[1];
  return parseAddress(bracketed ?? ported ?? hop);
}
