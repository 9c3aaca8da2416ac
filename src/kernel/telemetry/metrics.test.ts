import { expect, test } from "bun:test";
import { createMetrics } from "./metrics.ts";
import { createProcessMetrics } from "./process-metrics.ts";

test("[TEL-10] counters, gauges and histograms are in the text", async () => {
  const metrics = createMetrics();
  metrics.counter("stoa_a_total", "Things.", ["kind"]).add({ kind: 'x"y' }, 2);
  metrics.histogram("stoa_b_seconds", "Times.", [], [0.1, 1]).observe({}, 0.5);
  metrics.gauge("stoa_c", "Now.", ["q"], () => [[{ q: 1 }, 7]]);
  const text = await metrics.render();
  expect(text).toContain("# TYPE stoa_a_total counter");
  expect(text).toContain('stoa_a_total{kind="x\\"y"} 2');
  expect(text).toContain('stoa_b_seconds_bucket{le="0.1"} 0');
  expect(text).toContain('stoa_b_seconds_bucket{le="1"} 1');
  expect(text).toContain('stoa_b_seconds_bucket{le="+Inf"} 1');
  expect(text).toContain("stoa_b_seconds_sum 0.5");
  expect(text).toContain("# TYPE stoa_c gauge");
  expect(text).toContain('stoa_c{q="1"} 7');
});

test("[TEL-11] the values of children are added to ours, also after a way through JSON", async () => {
  const [parent, child] = [createMetrics(), createMetrics()];
  for (const metrics of [parent, child]) {
    metrics.counter("stoa_a_total", "Things.", ["kind"]).add({ kind: "x" }, 2);
    metrics.histogram("stoa_b_seconds", "Times.", [], [1]).observe({}, 0.5);
  }
  child.counter("stoa_only_child_total", "More.").add();
  const text = await parent.render([JSON.parse(JSON.stringify(await child.snapshot()))]);
  expect(text).toContain('stoa_a_total{kind="x"} 4');
  expect(text).toContain('stoa_b_seconds_bucket{le="1"} 2');
  expect(text).toContain("stoa_only_child_total 1");
});

test("[TEL-12] a gauge that fails is left out and the rest is shown", async () => {
  const metrics = createMetrics();
  metrics.gauge("stoa_bad", "Fails.", [], () => Promise.reject(new Error("away")));
  metrics.gauge("stoa_good", "Works.", [], async () => [[{}, 1]]);
  const text = await metrics.render();
  expect(text).toContain("stoa_good 1");
  expect(text).not.toMatch(/^stoa_bad /m);
});

test("[TEL-13] a process shows memory, processor time, start and event loop lag under its name", async () => {
  const metrics = createMetrics();
  const own = createProcessMetrics({ metrics, process: "worker-1" });
  await own.start();
  await own.start();
  const deadlineMs = Date.now() + 10_000;
  let text = "";
  while (!text.includes("stoa_event_loop_lag_seconds_count") && Date.now() < deadlineMs) {
    // Blocks the loop, which is what is to be seen.
    Bun.sleepSync(60);
    await new Promise((resolve) => setImmediate(resolve));
    text = await metrics.render();
  }
  await own.stop();
  const value = (name: string) =>
    Number(text.match(new RegExp(`^${name}{process="worker-1"} (.+)$`, "m"))?.[1]);
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(1e6);
  expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
  expect(value("process_start_time_seconds")).toBeGreaterThan(1.7e9);
  expect(text).toContain("# TYPE process_cpu_seconds_total counter");
  expect(value("stoa_event_loop_lag_seconds_sum")).toBeGreaterThan(0.001);
});
