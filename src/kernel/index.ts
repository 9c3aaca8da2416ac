// The kernel as modules see it: each takes the parts it needs with Pick<Kernel, …>.
import type { Audit } from "./audit/index.ts";
import type { Bus } from "./bus/index.ts";
import type { Cache } from "./cache/index.ts";
import type { Clock } from "./clock/index.ts";
import type { Config } from "./config/index.ts";
import type { Database } from "./db/index.ts";
import type { Events } from "./events/index.ts";
import type { Files } from "./files/index.ts";
import type { Http } from "./http/index.ts";
import type { Jobs } from "./jobs/index.ts";
import type { Lifecycle } from "./lifecycle/index.ts";
import type { Limits } from "./limits/index.ts";
import type { Mailer } from "./mail/index.ts";
import type { Outbound } from "./outbound/index.ts";
import type { Secrets } from "./secrets/index.ts";
import type { Logger, Metrics } from "./telemetry/index.ts";

export interface Kernel {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly db: Database;
  readonly secrets: Secrets;
  readonly events: Events;
  readonly audit: Audit;
  readonly bus: Bus;
  readonly files: Files;
  readonly cache: Cache;
  readonly jobs: Jobs;
  readonly mail: Mailer;
  readonly limits: Limits;
  readonly outbound: Outbound;
  readonly http: Http;
  /** Parts that modules run beside requests: pollers, caches that must be filled. */
  readonly lifecycle: Lifecycle;
  /** Snapshots of the metrics of this start's other processes: give them to metrics.render(). A process that is stuck is left out. */
  metricsOfOthers(): Promise<object[][]>;
}
