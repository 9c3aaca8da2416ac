// What argon2id alone allows: checks of one password at the server's cost, so many at a time, and nothing else; prints how many
// a second, and the milliseconds of processor time that each took.
import { hash, verify } from "@node-rs/argon2";

/** As src/modules/accounts/password-hash.ts has it. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const PASSWORD = "quiet marble colonnade";

const [concurrency = 1, durationMs = 1_000] = process.argv.slice(2).map(Number);
console.log(await measure());

async function measure(): Promise<string> {
  const stored = await hash(PASSWORD, COST);
  await verify(stored, PASSWORD);
  const startMs = performance.now();
  const before = process.cpuUsage();
  const check = async (): Promise<number> => {
    let checked = 0;
    for (; performance.now() < startMs + durationMs; checked++) await verify(stored, PASSWORD);
    return checked;
  };
  const counts = await Promise.all(Array.from({ length: concurrency }, check));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const { user, system } = process.cpuUsage(before);
  return `${(total * 1000) / (performance.now() - startMs)} ${(user + system) / 1000 / total}`;
}
