// `npm run test:faults [-- --times 10 --seed 1 --only storm]`: the job engine under faults, by processes that are really killed.
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import {
  startTestPostgres,
  stopTestPostgres,
  type TestPostgres,
  testPostgres,
} from "../src/testing/postgres.ts";
import { createRandom } from "./chaos/random.ts";
import { cutAllConnections, holdTransaction, restartPostgres } from "./faults/database.ts";
import { jumpClock, misbehave, race } from "./faults/handlers.ts";
import { killAtEachStep, killOneOfTwo, storm } from "./faults/kills.ts";
import { cutOffBeyondTheLease, stopBeyondTheLease } from "./faults/pauses.ts";
import { openScene, type Scene } from "./faults/scene.ts";

interface Scenario {
  readonly title: string;
  /** Of its own: it is killed. */
  readonly needsPostgres?: boolean;
  play(scene: Scene, server: TestPostgres): Promise<void>;
}

/** The longest first, since they run side by side. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  race: { title: "two workers race for 10,000 jobs", play: race },
  steps: { title: "kill -9 at each step of the protocol", play: killAtEachStep },
  misbehaving: {
    title: "handlers that block the loop, hang, throw no error, exit their process or put off",
    play: misbehave,
  },
  storm: { title: "kills, stops, cuts, cancellations, failures and postponements at random", play: storm },
  stop: { title: "a worker is stopped beyond its lease and comes back", play: stopBeyondTheLease },
  cut: { title: "a worker is cut off beyond its lease and comes back", play: cutOffBeyondTheLease },
  clock: { title: "the clock of a worker's host jumps by a day, forth and back", play: jumpClock },
  transaction: { title: "a transaction is held open all the time", play: holdTransaction },
  kill: { title: "one of two workers is killed, and nobody says so", play: killOneOfTwo },
  restart: { title: "PostgreSQL is restarted and crashes", needsPostgres: true, play: restartPostgres },
  connections: { title: "all connections are terminated", play: cutAllConnections },
};
/** Most of their time they wait for a lease to end. */
const AT_ONCE = 4;

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      times: { type: "string", default: "1" },
      seed: { type: "string", default: String(randomBytes(4).readUInt32BE()) },
      only: { type: "string" },
    },
  });
  const seed = Number(values.seed);
  const names = Object.keys(SCENARIOS).filter(
    (name) => !values.only || values.only.split(",").includes(name),
  );
  console.log(`faults: seed ${seed}`);
  const results = { passed: 0, failed: 0 };
  await testPostgres();
  for (let round = 0; round < Number(values.times); round++) {
    const waiting = [...names];
    const lines = Array.from({ length: AT_ONCE }, async () => {
      for (let name = waiting.shift(); name; name = waiting.shift()) {
        results[(await play(name, seed + round)) ? "passed" : "failed"]++;
      }
    });
    await Promise.all(lines);
  }
  await stopTestPostgres();
  const { passed, failed } = results;
  console.log(`${passed} pass\n${failed} fail\nseed ${seed}: ${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

async function play(name: string, seed: number): Promise<boolean> {
  const scenario = SCENARIOS[name];
  if (!scenario) return false;
  const beganMs = performance.now();
  const tookS = () => ((performance.now() - beganMs) / 1000).toFixed(1);
  const server = scenario.needsPostgres ? await startTestPostgres() : await testPostgres();
  try {
    await using scene = await openScene(createRandom(seed), server);
    await scenario.play(scene, server);
    console.log(`(pass) ${scenario.title} [${tookS()} s]`);
    return true;
  } catch (error) {
    console.log(`(FAIL) ${scenario.title} [${tookS()} s] --only ${name} --seed ${seed}\n${error}`);
    return false;
  } finally {
    if (scenario.needsPostgres) await server.stop();
  }
}
