// Known devices: a cookie of a browser that has signed in to an account, so that others' guesses cannot keep it out (OWASP's
// device cookies). It opens nothing: it only says which count an attempt belongs to.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

export interface KnownDevices {
  /** The device that a request's cookies name, if it has signed in to this account; undefined for any other. */
  find(cookies: string | null, userId: string | undefined): string | undefined;
  /** A Set-Cookie for a device that has just signed in. */
  makeCookie(userId: string): string;
}

export interface KnownDeviceOptions {
  /** 32 bytes for this purpose alone. */
  readonly key: Uint8Array;
  /** Whether users come by HTTPS. */
  readonly isSecure: boolean;
  readonly nowMs: () => number;
}

const ID_BYTES = 16;
const DAY_BYTES = 4;
const MAC_BYTES = 32;
const LIFE_DAYS = 180;
const DAY_MS = 86_400_000;
/** Nobody but the log-in needs it. */
const PATH = "/api/v1/auth/login";

export function createKnownDevices({ key, isSecure, nowMs }: KnownDeviceOptions): KnownDevices {
  // The prefix makes browsers refuse one that was set without HTTPS (ASVS 3.3.1).
  const name = isSecure ? "__Secure-stoa_device" : "stoa_device";
  const attributes = `Path=${PATH}; Max-Age=${LIFE_DAYS * 86_400}; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
  const today = () => Math.floor(nowMs() / DAY_MS);
  const seal = (claim: Uint8Array, userId: string) =>
    createHmac("sha256", key).update(claim).update(userId).digest();

  function read(token: string, userId: string): string | undefined {
    const bytes = Buffer.from(token, "base64url");
    if (bytes.length !== ID_BYTES + DAY_BYTES + MAC_BYTES) return undefined;
    const claim = bytes.subarray(0, ID_BYTES + DAY_BYTES);
    if (!timingSafeEqual(seal(claim, userId), bytes.subarray(ID_BYTES + DAY_BYTES))) return undefined;
    if (claim.readUInt32BE(ID_BYTES) + LIFE_DAYS <= today()) return undefined;
    return claim.toString("hex", 0, ID_BYTES);
  }

  return {
    find(cookies, userId) {
      const token = cookies === null ? undefined : findCookie(cookies, name);
      // For nobody's address the same is computed, and never right.
      const device = token === undefined ? undefined : read(token, userId ?? "");
      return userId === undefined ? undefined : device;
    },
    makeCookie(userId) {
      const claim = Buffer.alloc(ID_BYTES + DAY_BYTES);
      randomBytes(ID_BYTES).copy(claim);
      claim.writeUInt32BE(today(), ID_BYTES);
      const token = Buffer.concat([claim, seal(claim, userId)]).toString("base64url");
      return `${name}=${token}; ${attributes}`;
    },
  };
}

function findCookie(cookies: string, name: string): string | undefined {
  const start = `${name}=`;
  const found = cookies.split(";").find((each) => each.trim().startsWith(start));
  return found?.trim().slice(start.length);
}
