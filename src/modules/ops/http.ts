// Routes of ops, at the root of the server and open to anyone.
import { z } from "zod";
import { type Reply, type Route, type RouteSpec, route } from "../../kernel/http/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { frontPage } from "./front-page.ts";
import { type Check, checkReadiness } from "./readiness.ts";

export interface OpsRouteDeps {
  readonly log: Logger;
  readonly checks: readonly Check[];
  renderMetrics(): Promise<string>;
}

const CHECK_MS = 3000;
/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const health = z.strictObject({ status: z.literal("ok") });
const readiness = z.strictObject({
  status: z.enum(["ready", "not ready"]),
  checks: z.record(z.string(), z.enum(["ok", "failed"])),
});

export function opsRoutes({ log, checks, renderMetrics }: OpsRouteDeps): Route[] {
  return [
    route(
      {
        ...open("/health", "getHealth", "Whether the process is alive"),
        responses: { 200: { description: "It is.", schema: health } },
      },
      async () => ({ status: 200, body: { status: "ok" } }),
    ),
    route(
      {
        ...open("/ready", "getReadiness", "Whether requests will be served"),
        responses: {
          200: { description: "They will.", schema: readiness },
          503: { description: "They will not; `checks` names what is in the way.", schema: readiness },
        },
      },
      async (): Promise<Reply> => {
        const { isReady, checks: results } = await checkReadiness(
          checks,
          (name, reason) => log.warn({ err: reason, check: name }, "not ready"),
          CHECK_MS,
        );
        const body = { status: isReady ? "ready" : "not ready", checks: results };
        return { status: isReady ? 200 : 503, body, ...(isReady ? {} : { headers: { "Retry-After": "2" } }) };
      },
    ),
    route(
      {
        ...open("/metrics", "getMetrics", "Metrics of all processes, for Prometheus"),
        responses: {
          200: { description: "Text exposition format 0.0.4.", type: METRICS_TYPE, schema: z.string() },
        },
      },
      async () => new Response(await renderMetrics(), { headers: { "Content-Type": METRICS_TYPE } }),
    ),
    route({ ...open("/", "showFrontPage", "What this is"), isHidden: true }, async ({ request }) =>
      frontPage(new URL(request.url).origin),
    ),
  ];
}

function open(path: string, operationId: string, summary: string) {
  return {
    method: "GET",
    path,
    operationId,
    tag: "ops",
    summary,
    access: "public",
    limit: "none",
    // Probes like to add parameters against caches.
    query: z.looseObject({}),
    responses: { 200: { description: "The page." } },
  } satisfies RouteSpec<"public", undefined, Record<string, unknown>, undefined>;
}
