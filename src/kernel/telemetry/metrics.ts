// Prometheus metrics: a small face over prom-client, so that a process can also show those of its children.
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from "prom-client";

type Labels = Readonly<Record<string, string | number>>;

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
  /** `collect` is asked at each scrape: one value, or one a set of labels. */
  gauge(
    name: string,
    help: string,
    labels: readonly string[],
    collect: () => Promise<readonly (readonly [Labels, number])[]> | readonly (readonly [Labels, number])[],
  ): void;
  /** All values as data, to be rendered by another process. */
  snapshot(): Promise<object[]>;
  /** Prometheus text exposition format 0.0.4; counts of the snapshots are added to ours. */
  render(others?: readonly object[][]): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    counter(name, help, labels = []) {
      const counter = new Counter({ name, help, labelNames: [...labels], registers });
      return { add: (values = {}, amount = 1) => counter.inc({ ...values }, amount) };
    },
    histogram(name, help, labels, buckets) {
      const histogram = new Histogram({
        name,
        help,
        labelNames: [...labels],
        buckets: [...buckets],
        registers,
      });
      return { observe: (values, value) => histogram.observe({ ...values }, value) };
    },
    gauge(name, help, labels, collect) {
      const gauge = new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        async collect() {
          const values = await collect();
          this.reset();
          for (const [set, value] of values) this.set({ ...set }, value);
        },
      });
      void gauge;
    },
    snapshot: () => registry.getMetricsAsJSON(),
    async render(others = []) {
      const own = await registry.getMetricsAsJSON();
      return AggregatorRegistry.aggregate([own, ...others]).metrics();
    },
  };
}
