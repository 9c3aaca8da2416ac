// What a process and its children say to each other over their channel.
import type { Config } from "../kernel/config/index.ts";
import type { Priority } from "../kernel/jobs/index.ts";
import type { DatabaseAccess } from "./database-server.ts";

/** Everything a child is told; it reads no environment, and no secret stands in its own. */
export interface Orders {
  /** Shown in logs, metrics and pg_stat_activity: worker, web-2 … */
  readonly name: string;
  readonly role: "web" | "worker";
  /** Names a worker to the job engine, so that its parent can hand its jobs on. */
  readonly workerId: string;
  /** That the worker serves; undefined: all. */
  readonly lanes: readonly Priority[] | undefined;
  readonly config: Config;
  readonly access: DatabaseAccess;
  readonly sharesPort: boolean;
  /** Shows the figures of the whole in its metrics, which one process of each start does. */
  readonly showsWhole: boolean;
}

export type ToChild =
  | { readonly kind: "begin"; readonly orders: Orders }
  | { readonly kind: "stop" }
  | { readonly kind: "tell metrics"; readonly question: number }
  | { readonly kind: "metrics"; readonly question: number; readonly snapshots: object[][] };

export type ToParent =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly sentence: string }
  | { readonly kind: "tell metrics"; readonly question: number }
  | { readonly kind: "metrics"; readonly question: number; readonly snapshots: object[][] };
