import { afterAll, describe, expect, test } from "bun:test";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { until } from "../../testing/until.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createCache } from "./index.ts";
import { countingPlan, testCache } from "./testing/contract.ts";

describe("on memory alone", () => testCache({ name: "memory" }));

test("[CCH-6] the least recently asked for goes when the memory is full", async () => {
  const cache = createCache({ log: silentLogger, maxMemoryBytes: 10_000 });
  const { plan, counted } = countingPlan(() => "a".repeat(1_000));
  await cache.get("kept", plan);
  for (let index = 0; index < 30; index++) {
    await cache.get(`other ${index}`, plan);
    await cache.get("kept", plan);
  }
  expect(counted.times).toBe(31);
  await cache.get("other 29", plan);
  expect(counted.times).toBe(31);
  await cache.get("other 0", plan);
  expect(counted.times).toBe(32);
  const large = countingPlan(() => "a".repeat(20_000));
  expect((await cache.get("large", large.plan)).length).toBe(20_000);
  await cache.get("large", large.plan);
  expect(large.counted.times).toBe(2);
  await cache.get("kept", plan);
  expect(counted.times).toBe(32);
});

test("[CCH-8] Redis away, hanging or speaking something else: each value is made once, and soon", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const liar = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n") },
  });
  const closed = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  closed.stop(true);
  for (const { port } of [silent, liar, closed]) {
    const tookMs = await bestOf(1_500, async () => {
      const redisUrl = `redis://127.0.0.1:${port}`;
      const cache = createCache({ log: silentLogger, maxMemoryBytes: 10_000, redisUrl });
      const { plan, counted } = countingPlan((times) => times);
      const ms = await msOf(async () => {
        expect(await cache.get("a", plan)).toBe(1);
        for (let index = 0; index < 20; index++) await cache.get(`b ${index}`, plan);
        expect([await cache.get("a", plan), counted.times]).toEqual([1, 21]);
      });
      await cache.stop();
      return ms;
    });
    // One command that is waited for, and a machine that has other things to do.
    expect(tookMs).toBeLessThan(1_500);
  }
  silent.stop(true);
  liar.stop(true);
});

/** As much of a Redis as the client asks of one when it connects and reads: it says that there is nothing. */
function startEmptyRedis(port: number) {
  let commands = 0;
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(socket, bytes) {
        for (const [, name = ""] of bytes.toString().matchAll(/\*\d+\r\n\$\d+\r\n([A-Za-z]+)/g)) {
          if (name.toUpperCase() === "HELLO")
            socket.write("%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n");
          else {
            commands++;
            socket.write(name.toUpperCase() === "SET" ? "+OK\r\n" : "_\r\n");
          }
        }
      },
    },
  });
  return { port: server.port, commands: () => commands, stop: () => server.stop(true) };
}

const first = startEmptyRedis(0);
afterAll(() => first.stop());

test("[CCH-8] when Redis is back it is used again", async () => {
  const redisUrl = `redis://127.0.0.1:${first.port}`;
  const cache = createCache({ log: silentLogger, maxMemoryBytes: 10_000, redisUrl });
  const { plan } = countingPlan((times) => times);
  await cache.get("a", plan);
  await until("it to be asked", () => first.commands() > 0);
  first.stop();
  await cache.get("b", plan);
  const second = startEmptyRedis(first.port);
  let index = 0;
  const isUsed = async () => {
    await cache.get(`c ${index++}`, plan);
    return second.commands() > 0;
  };
  await until("it to be used again", isUsed, { everyMs: 50 });
  await cache.stop();
  second.stop();
});

test("[CCH-9] nothing is loaded or connected to before the first value", async () => {
  const script = `
    const { createCache } = await import("./index.ts");
    const cache = createCache({ log: console, maxMemoryBytes: 1000, redisUrl: "redis://127.0.0.1:1" });
    await cache.start();
    await cache.stop();
    const isLoaded = () => Object.keys(require.cache).some((path) => path.includes("bentocache"));
    const before = isLoaded();
    await cache.get("a", { ttlMs: 1, staleMs: 1, patienceMs: 1, compute: async () => 1 });
    console.log(JSON.stringify([before, isLoaded()]));
    process.exit(0);`;
  const child = Bun.spawn([process.execPath, "--no-env-file", "-e", script], {
    cwd: import.meta.dir,
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = await new Response(child.stdout).text();
  expect(output.trim().split("\n").at(-1)).toBe("[false,true]");
});
