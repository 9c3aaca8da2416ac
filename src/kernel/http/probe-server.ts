// The port of a process that serves no API: its probes and metrics, and nothing else.
import type { Part } from "../lifecycle/index.ts";
import { type Listener, type ListenOptions, listen } from "./listener.ts";

export interface ProbeServerOptions extends Omit<ListenOptions, "sharesPort"> {
  /** Answers as the server would. */
  readonly fetch: (request: Request) => Promise<Response>;
}

const PATHS: ReadonlySet<string> = new Set(["/health", "/ready", "/metrics"]);
/** A probe that takes longer has been given up by whoever asked. */
const GRACE_MS = 1000;

export function createProbeServer({ fetch, ...options }: ProbeServerOptions): Part {
  let listening: Promise<Listener> | undefined;
  return {
    name: "probes",
    async start() {
      listening ??= listen({ ...options, sharesPort: false }, async (request) =>
        PATHS.has(new URL(request.url).pathname) ? fetch(request) : new Response(null, { status: 404 }),
      );
      await listening;
    },
    async stop() {
      await (await listening?.catch(() => undefined))?.stop(GRACE_MS);
    },
  };
}
