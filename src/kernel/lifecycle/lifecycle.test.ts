import { expect, test } from "bun:test";
import { createChance } from "../../testing/chance.ts";
import { createLifecycle, type Part } from "./index.ts";

interface Bench {
  readonly events: string[];
  readonly failures: string[];
  part(name: string, how?: { start?: () => Promise<void> | void; stop?: () => Promise<void> | void }): Part;
}

function createBench(): Bench & { readonly lifecycle: ReturnType<typeof createLifecycle> } {
  const events: string[] = [];
  const failures: string[] = [];
  return {
    events,
    failures,
    lifecycle: createLifecycle("all", (part, error) => failures.push(`${part}: ${(error as Error).message}`)),
    part: (name, how = {}) => ({
      name,
      async start() {
        events.push(`${name} starts`);
        await how.start?.();
        events.push(`${name} is up`);
      },
      async stop() {
        events.push(`${name} stops`);
        await how.stop?.();
      },
    }),
  };
}

const fail = (message: string) => () => {
  throw new Error(message);
};

test("[LIFE-1] started in order, each when the one before is up; stopped in reverse", async () => {
  const { lifecycle, part, events } = createBench();
  for (const name of ["a", "b"])
    lifecycle.add(part(name, { start: () => new Promise((done) => setTimeout(done, 5)) }));
  await lifecycle.start();
  await lifecycle.stop();
  expect(events).toEqual(["a starts", "a is up", "b starts", "b is up", "b stops", "a stops"]);
});

test("[LIFE-2] two starts and two stops at once are one each, and a stop without a start does nothing", async () => {
  const { lifecycle, part, events } = createBench();
  lifecycle.add(part("a"));
  await Promise.all([lifecycle.start(), lifecycle.start()]);
  await lifecycle.start();
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  await lifecycle.stop();
  expect(events).toEqual(["a starts", "a is up", "a stops"]);

  const other = createBench();
  other.lifecycle.add(other.part("b"));
  await other.lifecycle.stop();
  await other.lifecycle.start();
  expect(other.events).toEqual([]);
});

test("[LIFE-3] a part that fails is stopped with those before it, and every caller is told", async () => {
  const { lifecycle, part, events } = createBench();
  lifecycle.add(part("a"));
  lifecycle.add(part("b", { start: fail("no port") }));
  lifecycle.add(part("c"));
  const outcomes = await Promise.allSettled([lifecycle.start(), lifecycle.start()]);
  expect(outcomes.map((each) => each.status === "rejected" && each.reason.message)).toEqual([
    "no port",
    "no port",
  ]);
  expect(events).toEqual(["a starts", "a is up", "b starts", "b stops", "a stops"]);
  await lifecycle.stop();
  expect(events).toHaveLength(5);
});

test("[LIFE-4] a part that fails to stop is told of", async () => {
  const { lifecycle, part, events, failures } = createBench();
  lifecycle.add(part("a"));
  lifecycle.add(part("b", { stop: fail("stuck") }));
  await lifecycle.start();
  await lifecycle.stop();
  expect(events.slice(-2)).toEqual(["b stops", "a stops"]);
  expect(failures).toEqual(["b: stuck"]);
});

test("[LIFE-5] stopped while a part is starting", async () => {
  const { lifecycle, part, events } = createBench();
  const gate = Promise.withResolvers<void>();
  lifecycle.add(part("a"));
  lifecycle.add(part("b", { start: () => gate.promise }));
  lifecycle.add(part("c"));
  const started = lifecycle.start();
  while (!events.includes("b starts")) await Promise.resolve();
  const stopped = lifecycle.stop();
  gate.resolve();
  await Promise.all([started, stopped]);
  expect(events).toEqual(["a starts", "a is up", "b starts", "b is up", "b stops", "a stops"]);
});

test("[LIFE-5] whatever fails and whenever it is stopped, what was started is stopped once, last first", async () => {
  const chance = createChance("lifecycle");
  for (let round = 0; round < 300; round++) {
    const { lifecycle, part, events } = createBench();
    const turns = (most: number) => async () => {
      for (let n = chance.below(most); n > 0; n--) await Promise.resolve();
      if (chance.oneIn(8)) throw new Error("by chance");
    };
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) lifecycle.add(part(name, { start: turns(6), stop: turns(6) }));
    const calls = [
      lifecycle.start().catch(() => {}),
      turns(40)()
        .catch(() => {})
        .then(lifecycle.stop),
    ];
    if (chance.oneIn(2)) calls.push(lifecycle.stop());
    await Promise.all(calls);
    const started = events.filter((event) => event.endsWith("starts")).map((event) => event[0] ?? "");
    const stopped = events.filter((event) => event.endsWith("stops")).map((event) => event[0] ?? "");
    expect(started).toEqual(names.slice(0, started.length));
    expect(stopped).toEqual(started.toReversed());
  }
});
