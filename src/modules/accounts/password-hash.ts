// argon2id: how passwords are stored and checked, a few at a time, so that sign-ins cannot starve the server.
import { hash, verify } from "@node-rs/argon2";
import { accountErrors } from "./errors.ts";

export interface PasswordHasher {
  /** PHC text with salt and cost. Throws SIGN_IN_BUSY when too many wait. */
  hash(password: string): Promise<string>;
  /**
   * Checks against the stored hash; without one it takes as long and is wrong, so that nobody can tell by the time
   * whether there is an account. `isOutdated`: right, and stored at another cost than today's: hash it anew.
   */
  verify(stored: string | undefined, password: string): Promise<{ isRight: boolean; isOutdated: boolean }>;
}

/** OWASP's and ASVS's floor: 19 MiB (here in KiB), 2 passes, 1 lane. argon2id, 16 bytes of salt are the package's defaults. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const WAIT_SECONDS = 2;

const PREFIX = `$argon2id$v=19$m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}$`;

/** Of the same cost and of no password: checking against it takes as long as a real check. */
const NOBODY = `${PREFIX}${unpadded(16)}$${unpadded(32)}`;

export interface PasswordHasherOptions {
  /** Checks at one time: each takes a core and 19 MiB. */
  readonly concurrency: number;
  readonly maxWaiting: number;
}

export function createPasswordHasher({ concurrency, maxWaiting }: PasswordHasherOptions): PasswordHasher {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= concurrency) {
      if (waiting.length >= maxWaiting) throw accountErrors.SIGN_IN_BUSY({ retryAfterSeconds: WAIT_SECONDS });
      // The place is handed over by the one who ends, so `running` stays as it is.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running++;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  }

  return {
    hash: (password) => inTurn(() => hash(password, COST)),
    verify: (stored, password) =>
      inTurn(async () => {
        const isRight = (await verify(stored ?? NOBODY, password)) && stored !== undefined;
        return { isRight, isOutdated: isRight && isOutdated(stored) };
      }),
  };
}

/** As the package writes them; whatever else there is was stored by an older version. */
function isOutdated(stored: string): boolean {
  return !stored.startsWith(PREFIX);
}

/** Base64 as PHC texts have it. */
function unpadded(bytes: number): string {
  return Buffer.alloc(bytes, 0x5a).toString("base64").replace(/=+$/, "");
}
