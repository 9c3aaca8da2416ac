// The guard of addresses that users give: which may be called at all, and at which IP addresses.
import { lookup } from "node:dns/promises";
import { createPublicAddresses, type IsPublicAddress, isAddress } from "./public-address.ts";

/** The address may not be called. Its message is public: one sentence that says why. */
export class AddressRefusedError extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = "AddressRefusedError";
  }
}

/** All IP addresses of a name. Rejects when it has none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface AddressGuardOptions {
  /** `host:port` each, as the configuration has checked them; called whatever their IP addresses are. */
  readonly allowedHosts: readonly string[];
  /** Default the system's resolver. */
  readonly resolve?: Resolve;
  readonly isPublic?: IsPublicAddress;
  /** Default 80 and 443. */
  readonly ports?: readonly number[];
}

export interface AddressGuard {
  /** What can be said of an address before its name is looked up; undefined when nothing speaks against it. */
  findProblem(address: string): string | undefined;
  /** The IP addresses that may be called for this one, IPv4 first. Throws AddressRefusedError, or what the resolver throws. */
  addressesOf(url: URL): Promise<readonly string[]>;
}

const NOT_AN_ADDRESS = "The address must be a whole one, such as https://example.com/text.";
const NOT_PUBLIC = "The address does not lead to a public server.";

export function createAddressGuard(options: AddressGuardOptions): AddressGuard {
  const { resolve = resolveBySystem, isPublic = createPublicAddresses(), ports = [80, 443] } = options;
  const allowed = new Set(options.allowedHosts);

  function problemOf(url: URL): string | undefined {
    if (url.protocol !== "http:" && url.protocol !== "https:")
      return "The address must begin with http:// or https://.";
    if (url.username !== "" || url.password !== "") return "The address must not hold a user or a password.";
    if (allowed.has(hostAndPort(url))) return undefined;
    if (!ports.includes(portOf(url))) return "Only the ports 80 and 443 may be called.";
    const host = hostOf(url);
    return isAddress(host) && !isPublic(host) ? NOT_PUBLIC : undefined;
  }

  return {
    findProblem(address) {
      const url = URL.parse(address);
      return url ? problemOf(url) : NOT_AN_ADDRESS;
    },
    async addressesOf(url) {
      const problem = problemOf(url);
      if (problem !== undefined) throw new AddressRefusedError(problem);
      const host = hostOf(url);
      const addresses = isAddress(host) ? [host] : await resolve(host);
      // One that is not public is enough: which of them answers is not ours to choose.
      const isOpen = allowed.has(hostAndPort(url)) || addresses.every((address) => isPublic(address));
      if (!isOpen || addresses.length === 0) throw new AddressRefusedError(NOT_PUBLIC);
      return [...addresses].sort((a, b) => Number(a.includes(":")) - Number(b.includes(":")));
    },
  };
}

/** Without the brackets of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

/** As OUTBOUND_ALLOWED_HOSTS writes it. */
function hostAndPort(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

async function resolveBySystem(hostname: string): Promise<string[]> {
  return (await lookup(hostname, { all: true })).map(({ address }) => address);
}
