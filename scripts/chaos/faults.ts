// The faults of a chaos run, one after the other, drawn from the seed.
import type { ChaosPostgres } from "./postgres.ts";
import type { Random } from "./random.ts";
import type { ChaosServer } from "./server.ts";
import type { Subscriber } from "./subscribers.ts";

export interface Scene {
  readonly postgres: ChaosPostgres;
  readonly servers: readonly ChaosServer[];
  /** Whoever has a connection that can be cut. */
  readonly subscribers: readonly Pick<Subscriber, "cut">[];
  readonly random: Random;
}

type Fault = (scene: Scene) => Promise<void>;

const FAULTS: Readonly<Record<string, { readonly weight: number; readonly run: Fault }>> = {
  "connections cut": {
    weight: 50,
    async run({ subscribers, random }) {
      const share = random.pick([0.02, 0.1, 0.5, 1]);
      for (const subscriber of subscribers) if (random.next() < share) subscriber.cut();
    },
  },
  "server killed": {
    weight: 20,
    async run({ servers, random }) {
      const server = random.pick(servers);
      await server.kill();
      await Bun.sleep(random.between(0, 2_000));
      await server.start();
    },
  },
  "server stopped": {
    weight: 10,
    async run({ servers, random }) {
      const server = random.pick(servers);
      await server.stop();
      await server.start();
    },
  },
  "server frozen": {
    weight: 8,
    async run({ servers, random }) {
      const server = random.pick(servers);
      server.freeze();
      await Bun.sleep(random.between(200, 4_000));
      server.thaw();
    },
  },
  "both servers killed": {
    weight: 4,
    async run({ servers }) {
      await Promise.all(servers.map((server) => server.kill()));
      await Promise.all(servers.map((server) => server.start()));
    },
  },
  "PostgreSQL restarted": {
    weight: 5,
    async run({ postgres, random }) {
      await postgres.stop("SIGINT");
      await Bun.sleep(random.between(0, 1_500));
      await postgres.start();
    },
  },
  "PostgreSQL crashed": {
    weight: 5,
    async run({ postgres }) {
      await postgres.stop("SIGQUIT");
      await postgres.start();
    },
  },
};

/** Until the time is over; returns how often each happened. */
export async function runFaults(scene: Scene, untilMs: number): Promise<Record<string, number>> {
  const { random } = scene;
  const counts: Record<string, number> = {};
  while (performance.now() < untilMs) {
    const name = draw(random);
    counts[name] = (counts[name] ?? 0) + 1;
    await FAULTS[name]?.run(scene);
    await Bun.sleep(random.between(100, 1_500));
  }
  return counts;
}

function draw(random: Random): string {
  const entries = Object.entries(FAULTS);
  let left = random.next() * entries.reduce((sum, [, { weight }]) => sum + weight, 0);
  for (const [name, { weight }] of entries) {
    left -= weight;
    if (left < 0) return name;
  }
  return entries[0]?.[0] ?? "";
}
