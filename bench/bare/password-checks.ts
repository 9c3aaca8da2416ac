// What argon2id alone allows: checks of one password at the server's cost, so many at a time, and nothing else; prints how many a second.
import { hash, verify } from "@node-rs/argon2";

const [concurrency = 1, durationMs = 1_000] = process.argv.slice(2).map(Number);
/** As src/modules/accounts/password-hash.ts has it. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const PASSWORD = "quiet marble colonnade";

const stored = await hash(PASSWORD, COST);
await verify(stored, PASSWORD);
const startMs = performance.now();
const endMs = startMs + durationMs;
let checked = 0;
const lane = async () => {
  while (performance.now() < endMs) {
    await verify(stored, PASSWORD);
    checked++;
  }
};
await Promise.all(Array.from({ length: concurrency }, lane));
console.log((checked * 1000) / (performance.now() - startMs));
