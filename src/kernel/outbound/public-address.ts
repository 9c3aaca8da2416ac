// Which IP addresses are public: a table of our own, after IANA's registries of special-purpose addresses (November 2026).
import ipaddr from "ipaddr.js";

/** What of IPv4 is not globally reachable unicast. */
const CLOSED_IPV4 = [
  "0.0.0.0/8", // "this network" (RFC 791)
  "10.0.0.0/8", // private (RFC 1918)
  "100.64.0.0/10", // shared by carriers (RFC 6598)
  "127.0.0.0/8", // loopback
  "169.254.0.0/16", // link-local, and the metadata services of clouds
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments (RFC 6890)
  "192.0.2.0/24", // documentation (RFC 5737)
  "192.31.196.0/24", // AS112 (RFC 7535)
  "192.52.193.0/24", // multicast tunnels (RFC 7450)
  "192.88.99.0/24", // 6to4 relays (RFC 7526)
  "192.168.0.0/16", // private
  "192.175.48.0/24", // AS112 (RFC 7534)
  "198.18.0.0/15", // benchmarking (RFC 2544)
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
];

/**
 * All of IPv6 that is global unicast. Beside it lie loopback, unspecified, link-local, unique local and multicast addresses, and
 * those that carry an IPv4 address: mapped, compatible, translated (64:ff9b::/96, 64:ff9b:1::/48).
 */
const OPEN_IPV6 = "2000::/3";

/** What of it is not for everyone. */
const CLOSED_IPV6 = [
  "2001::/23", // protocol assignments: Teredo, benchmarking, ORCHID (RFC 2928)
  "2001:db8::/32", // documentation (RFC 3849)
  "2002::/16", // 6to4, which carries an IPv4 address (RFC 3056)
  "2620:4f:8000::/48", // AS112
  "3fff::/20", // documentation (RFC 9637)
];

type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** Whether a text is an IP address in its usual form, and may be called by those who are not us. */
export type IsPublicAddress = (address: string) => boolean;

export function createPublicAddresses(): IsPublicAddress {
  const closed: readonly Network[] = [...CLOSED_IPV4, ...CLOSED_IPV6].map((text) => ipaddr.parseCIDR(text));
  const open = ipaddr.parseCIDR(OPEN_IPV6);
  const isWithin = (address: ipaddr.IPv4 | ipaddr.IPv6, network: Network) =>
    address.kind() === network[0].kind() && address.match(network);
  return (text) => {
    if (!isAddress(text)) return false;
    const address = ipaddr.parse(text);
    // An IPv4 address within IPv6 is not unwrapped and judged: nobody's name leads to one in good faith.
    if (address.kind() === "ipv6" && !isWithin(address, open)) return false;
    return !closed.some((network) => isWithin(address, network));
  };
}

/** Not ipaddr.isValid alone, which reads 127.1 and 2130706433 as addresses too. */
export function isAddress(text: string): boolean {
  return text.includes(":")
    ? ipaddr.IPv6.isValid(text) && !text.includes("%")
    : ipaddr.IPv4.isValidFourPartDecimal(text);
}
