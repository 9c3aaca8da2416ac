// What a call to a service of the user's is: checked when it is handed in, while whoever sends it can still correct it.
import { z } from "zod";
import type { Outbound } from "../../../kernel/outbound/index.ts";
import type { Secrets } from "../../../kernel/secrets/index.ts";
import { canOpen, MASK, sealHeaders } from "./sealed-headers.ts";

export interface HttpRequestInput {
  readonly url: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Sealed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const MAX_HEADERS = 50;
const MAX_VALUE_CHARS = 8_192;
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const VISIBLE = /^[\t\x20-\x7e]*$/;
/** Of the connection, or said by us. Sessions of browsers are no way to call a service. */
const FORBIDDEN = new Set(
  `accept-encoding connection content-length cookie cookie2 expect host http2-settings keep-alive te trailer
  transfer-encoding upgrade user-agent via`.split(/\s+/),
);

function headerProblem(name: string, value: string): string | undefined {
  const lower = name.toLowerCase();
  if (!TOKEN.test(name)) return "Is no name of a header.";
  if (FORBIDDEN.has(lower) || /^(?:webhook|proxy|sec)-/.test(lower))
    return "This header is set by the server, or not sent at all. Leave it out.";
  if (!VISIBLE.test(value)) return "Must be visible ASCII characters.";
  // Sealed by then, and so longer.
  if (value.length > 2 * MAX_VALUE_CHARS) return `Must be at most ${MAX_VALUE_CHARS} characters.`;
  if (value === MASK) return "Send the value itself: what is shown is masked.";
  return undefined;
}

/** The headers come out sealed, so that neither a job's row nor what is shown of it tells them. */
export function httpRequestInput(
  outbound: Pick<Outbound, "findProblem">,
  secrets: Secrets,
): z.ZodType<HttpRequestInput> {
  return z
    .strictObject({
      url: z
        .string()
        .max(2_000)
        .superRefine((url, check) => {
          const message = outbound.findProblem(url);
          if (message !== undefined) check.addIssue({ code: "custom", message });
        })
        .meta({ description: "http or https, port 80 or 443, on the public internet." }),
      method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).default("POST"),
      headers: z
        .record(z.string(), z.string())
        .default({})
        .superRefine((headers, check) => {
          const names = Object.keys(headers);
          const say = (message: string, path: string[] = []) =>
            check.addIssue({ code: "custom", message, path });
          if (names.length > MAX_HEADERS) say(`Must be at most ${MAX_HEADERS}.`);
          if (new Set(names.map((name) => name.toLowerCase())).size < names.length)
            say("Name each header once.");
          for (const [name, value] of Object.entries(headers)) {
            const problem = headerProblem(name, value);
            if (problem !== undefined) say(problem, [name]);
          }
        })
        .meta({ description: "Kept encrypted, and shown to nobody." }),
      body: z.json().optional().meta({ description: "Sent as JSON." }),
    })
    .superRefine(({ method, body }, check) => {
      if (method === "GET" && body !== undefined)
        check.addIssue({ code: "custom", path: ["body"], message: "A GET has no body. Use POST." });
    })
    .superRefine(({ url, headers }, check) => {
      if (!canOpen(secrets, url, headers))
        check.addIssue({
          code: "custom",
          path: ["headers"],
          message: "A value must not begin with sealed:.",
        });
    })
    .transform(({ headers, ...call }) => ({ ...call, headers: sealHeaders(secrets, call.url, headers) }));
}
