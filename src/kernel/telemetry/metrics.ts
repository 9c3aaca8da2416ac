// Prometheus metrics: a small face over prom-client, so that a process can also show those of its children.
import { AggregatorRegistry, Counter, type Gauge, Histogram, Registry } from "prom-client";

export type Labels = Readonly<Record<string, string | number>>;
export type LabelledValues = readonly (readonly [Labels, number])[];

type Collect = () => Promise<LabelledValues> | LabelledValues;

export interface Metrics {
  counter(
    name: string,
    help: string,
    labels?: readonly string[],
  ): { add(labels?: Labels, amount?: number): void };
  histogram(
    name: string,
    help: string,
    labels: readonly string[],
    buckets: readonly number[],
  ): { observe(labels: Labels, value: number): void };
  /**
   * `collect` is asked at each scrape: one value, or one a set of labels. When it fails the gauge has no values.
   * Values of several processes are added up: where a sum means nothing, give each process a label of its own.
   */
  gauge(name: string, help: string, labels: readonly string[], collect: Collect): void;
  /** The same for a number that only grows and is counted elsewhere. */
  observedCounter(name: string, help: string, labels: readonly string[], collect: Collect): void;
  /** All values as data, to be rendered by another process. */
  snapshot(): Promise<object[]>;
  /** Prometheus text exposition format 0.0.4; counts of the snapshots are added to ours. */
  render(others?: readonly object[][]): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];

  function registerCollected(type: "gauge" | "counter", name: string, help: string, collect: Collect): void {
    const get = async () => ({ name, help, type, aggregator: "sum", values: await attempt(collect) });
    // A registry asks nothing of a metric but its name and get(); prom-client's own gauge, whose collect() fails, would
    // fail the whole scrape.
    registry.registerMetric({ name, get } as unknown as Gauge);
  }

  return {
    counter(name, help, labels = []) {
      const counter = new Counter({ name, help, labelNames: [...labels], registers });
      return { add: (values = {}, amount = 1) => counter.inc(values, amount) };
    },
    histogram(name, help, labels, buckets) {
      const options = { name, help, labelNames: [...labels], buckets: [...buckets], registers };
      const histogram = new Histogram(options);
      return { observe: (values, value) => histogram.observe(values, value) };
    },
    gauge: (name, help, _labels, collect) => registerCollected("gauge", name, help, collect),
    observedCounter: (name, help, _labels, collect) => registerCollected("counter", name, help, collect),
    snapshot: () => registry.getMetricsAsJSON(),
    async render(others = []) {
      const own = await registry.getMetricsAsJSON();
      return AggregatorRegistry.aggregate([own, ...others]).metrics();
    },
  };
}

async function attempt(collect: Collect): Promise<{ labels: Labels; value: number }[]> {
  try {
    return (await collect()).map(([labels, value]) => ({ labels, value }));
  } catch {
    return [];
  }
}
