// Malformed input from a seed: JSON values, bodies, headers and addresses as no honest client sends them.
import type { Chance } from "../../../testing/chance.ts";

const TEXTS = [
  "",
  " ",
  "null",
  "a".repeat(5_000),
  "💥".repeat(300),
  "\u0000",
  "\ud800",
  "\u202e txt.exe",
  "' OR 1=1 --",
  "'; DROP TABLE users; --",
  "$" + "{7*7}",
  "../../../../etc/passwd",
  "%00%ff%c0%ae",
  "<script>alert(1)</script>",
  "ada@example.org",
  "ada@exämple.org",
  `${"a".repeat(64)}@${"b.".repeat(120)}org`,
  "@",
  "some words of a phrase",
  "stoart_",
  `stoart_${"A".repeat(70)}`,
  "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
  "00000000-0000-0000-0000-000000000000",
  "https://evil.example/?x=1#y",
  "1e400",
  "\r\nSet-Cookie: a=b",
];

export interface Malformed {
  value(depth?: number): unknown;
  text(): string;
  /** The bytes of a body: mostly JSON, of a shape near to a right one, or nothing like it. */
  body(right: unknown): string | Uint8Array;
  /** A value of the Authorization header, which may be near to a right one. */
  authorization(right: string): string;
  pick<T>(list: readonly T[]): T;
}

export function createMalformed(chance: Chance): Malformed {
  function pick<T>(list: readonly T[]): T {
    // The lists here are not empty.
    return list[chance.below(list.length)] as T;
  }

  function bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => chance.below(256));
  }

  function text(): string {
    if (chance.oneIn(4)) return Buffer.from(bytes(chance.below(60))).toString("latin1");
    return pick(TEXTS);
  }

  function value(depth = 0): unknown {
    if (depth > 4 || chance.oneIn(2))
      return pick<unknown>([text(), text(), null, true, -1, 0.5, 2 ** 53, []]);
    if (chance.oneIn(2)) return Array.from({ length: chance.below(4) }, () => value(depth + 1));
    const names = ["__proto__", "constructor", "toString", "email", "password", "refresh_token", text()];
    return Object.fromEntries(Array.from({ length: chance.below(4) }, () => [pick(names), value(depth + 1)]));
  }

  /** One member wrong, missing or too many, or none. */
  function nearly(right: object): object {
    if (chance.oneIn(6)) return right;
    const entries = Object.entries(right);
    const index = chance.below(entries.length + 1);
    if (index === entries.length)
      return { ...right, [pick(["is_admin", "user_id", "__proto__", "id"])]: value() };
    return Object.fromEntries(
      entries.flatMap(([name, own], at) =>
        at !== index ? [[name, own]] : chance.oneIn(3) ? [] : [[name, value()]],
      ),
    );
  }

  function mangle(json: string): string | Uint8Array {
    const at = chance.below(json.length + 1);
    switch (chance.below(5)) {
      case 0:
        return json.slice(0, at);
      case 1:
        return json.slice(0, at) + text() + json.slice(at);
      case 2:
        return Buffer.concat([Buffer.from(json.slice(0, at)), bytes(5), Buffer.from(json.slice(at))]);
      case 3:
        return "[".repeat(2_000) + json;
      default:
        return `\ufeff${json}`;
    }
  }

  return {
    value,
    text,
    pick,
    body(right) {
      if (chance.oneIn(10)) return bytes(chance.below(200));
      const near = typeof right === "object" && right !== null && !chance.oneIn(5) ? nearly(right) : value();
      const json = JSON.stringify(near) ?? "";
      return chance.oneIn(4) ? mangle(json) : json;
    },
    authorization(right) {
      const at = chance.below(right.length);
      const other = Buffer.from(bytes(3)).toString("base64url");
      const token = pick([
        right.slice(0, at),
        right.slice(0, at) + other + right.slice(at),
        right.slice(0, at) + other + right.slice(at + 4),
        right.split(".").reverse().join("."),
        `${right}.${right}`,
        right.replaceAll(".", ""),
        "A".repeat(10_000),
        "%2e.%2e.%2e",
        `{"payload":"${other}"}`,
      ]);
      return `${pick(["Bearer ", "bearer  ", "Bearer", "Basic ", "", "Bearer Bearer "])}${token}`;
    },
  };
}
