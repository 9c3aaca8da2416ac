// Addresses of clients: one spelling for each, and the network that counts as one client.
import ipaddr from "ipaddr.js";

/** Undefined when the text is no IP address. IPv4 within IPv6 is IPv4; a zone is left out. */
export function parseAddress(text: string): string | undefined {
  if (!text.includes(":")) return ipaddr.IPv4.isValidFourPartDecimal(text) ? text : undefined;
  const [address = ""] = text.split("%");
  return ipaddr.IPv6.isValid(address) ? ipaddr.process(address).toString() : undefined;
}

/** Whoever has an IPv6 address has the 2^64 of its network (RFC 6177), so the network is what is counted. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const canonical = parseAddress(address);
  if (canonical === undefined) return address;
  if (!canonical.includes(":")) return canonical;
  const { parts } = ipaddr.IPv6.parse(canonical);
  return `${new ipaddr.IPv6([...parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`;
}
