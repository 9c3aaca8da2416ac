// Email addresses: which texts are one, how they are kept, and when two are the same.
import { domainToASCII } from "node:url";

export interface EmailAddress {
  /** To show and to send to: as given, without spaces around it, the domain in lower case and in its ASCII form. */
  readonly address: string;
  /** Equal for addresses that count as one: the whole in lower case, since mail providers ignore the case. */
  readonly key: string;
}

// RFC 5321 section 4.5.3.1: 64 octets before the @; the path of at most 256 octets leaves 254 for the address.
const MAX_LOCAL_BYTES = 64;
const MAX_ADDRESS_BYTES = 254;
/** Unquoted only: quoted local parts are used by nobody and understood by few. */
const LOCAL = /^[^\s\p{C}"(),:;<>@[\\\]]+$/u;
/** Before punycode: what URL parsing would take for a port, a path or an escape must not reach it. */
const DOMAIN = /^[\p{L}\p{M}\p{N}.-]+$/u;
const ASCII_DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63}$/;

/** Undefined when the text is no address. */
export function parseEmail(text: string): EmailAddress | undefined {
  const trimmed = text.trim().normalize("NFC");
  const at = trimmed.lastIndexOf("@");
  if (at < 1 || trimmed.length > MAX_ADDRESS_BYTES) return undefined;
  const local = trimmed.slice(0, at);
  const given = trimmed.slice(at + 1).normalize("NFKC");
  if (!LOCAL.test(local) || Buffer.byteLength(local) > MAX_LOCAL_BYTES || !DOMAIN.test(given))
    return undefined;
  const domain = domainToASCII(given);
  const address = `${local}@${domain}`;
  if (!ASCII_DOMAIN.test(domain) || Buffer.byteLength(address) > MAX_ADDRESS_BYTES) return undefined;
  return { address, key: address.toLowerCase() };
}
