// What every engine of the bus must do: one suite, run over each of them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { until } from "../../../testing/until.ts";
import type { Bus } from "../index.ts";

export interface BusEngine {
  readonly name: string;
  /** A bus as another process would have it, on the same engine. */
  readonly create: () => Bus;
  /** Cuts every connection of the engine. */
  readonly cut: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Collects what a bus hears on a topic. */
function listen(bus: Bus, topic: string): unknown[] {
  const heard: unknown[] = [];
  bus.subscribe(topic, (message) => heard.push(message));
  return heard;
}

export function testBus(open: () => Promise<BusEngine>): void {
  let engine: BusEngine;
  let here: Bus;
  let there: Bus;

  beforeAll(async () => {
    engine = await open();
    here = engine.create();
    there = engine.create();
    await Promise.all([here.start(), there.start()]);
  });
  afterAll(async () => {
    await Promise.all([here.stop(), there.stop()]);
    await engine.close();
  });

  /** Resolves when all that was published before has been heard everywhere. */
  async function settled(): Promise<void> {
    const topic = `settled ${Math.random()}`;
    const [near, far] = [listen(here, topic), listen(there, topic)];
    here.publish(topic, 1);
    there.publish(topic, 2);
    await until("the last message", () => near.length === 2 && far.length === 2);
  }

  test("[BUS-1] a message reaches all processes that subscribe to its topic", async () => {
    const [near, far, other] = [listen(here, "a"), listen(there, "a"), listen(there, "b")];
    const message = { id: 1, text: "é “q” \\ \n", list: [null, true] };
    here.publish("a", message);
    there.publish("a", 2);
    await settled();
    expect(near).toHaveLength(2);
    expect(near).toEqual(expect.arrayContaining([message, 2]));
    expect(far).toHaveLength(2);
    expect(other).toEqual([]);
  });

  test("[BUS-2] order is kept and equal messages are not merged", async () => {
    const far = listen(there, "order");
    const sent = Array.from({ length: 500 }, (_, n) => ({
      n: Math.floor(n / 2),
      padding: "x".repeat((n * 37) % 300),
    }));
    for (const message of sent) here.publish("order", message);
    await settled();
    expect(far.map((message) => JSON.stringify(message))).toEqual(
      sent.map((message) => JSON.stringify(message)),
    );
    const same = listen(there, "same");
    const large = "s".repeat(4000);
    for (let n = 0; n < 7; n++) here.publish("same", large);
    await settled();
    expect(same).toEqual(Array.from({ length: 7 }, () => large));
  });

  test("[BUS-3] a message of 4 KiB passes, one byte more is refused, and so is what is no JSON", async () => {
    const far = listen(there, "size");
    const largest = "é".repeat(2047);
    here.publish("size", largest);
    expect(() => here.publish("size", `${largest}x`)).toThrow("larger than 4096 bytes");
    expect(() => here.publish("size", 1n)).toThrow();
    await settled();
    expect(far).toEqual([largest]);
  });

  test("[BUS-4] who has unsubscribed hears nothing, who throws disturbs nobody", async () => {
    const gone: unknown[] = [];
    const stop = there.subscribe("leave", (message) => gone.push(message));
    there.subscribe("leave", () => {
      throw new Error("a subscriber's fault");
    });
    const stays = listen(there, "leave");
    here.publish("leave", 1);
    await settled();
    stop();
    stop();
    here.publish("leave", 2);
    await settled();
    expect(gone).toEqual([1]);
    expect(stays).toEqual([1, 2]);
  });

  test("[BUS-5] after every connection was cut messages flow again", async () => {
    const [near, far] = [listen(here, "cut"), listen(there, "cut")];
    await engine.cut();
    here.publish("cut", "perhaps");
    await until(
      "messages in both directions",
      () => {
        here.publish("cut", "again");
        there.publish("cut", "back");
        return [near, far].every((heard) => heard.includes("again") && heard.includes("back"));
      },
      { everyMs: 50 },
    );
  });
}
