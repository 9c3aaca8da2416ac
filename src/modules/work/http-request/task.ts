// The task http.request: calls a service of the user's, signed, so that any HTTP service becomes a worker.
import type { Clock } from "../../../kernel/clock/index.ts";
import { type JobContext, JobPostponed, PermanentJobError, type Task } from "../../../kernel/jobs/index.ts";
import {
  AddressRefusedError,
  CircuitOpenError,
  type Outbound,
  OutboundError,
} from "../../../kernel/outbound/index.ts";
import type { Secrets } from "../../../kernel/secrets/index.ts";
import type { SigningSecrets } from "../actions/signing-secrets.ts";
import { workErrors } from "../errors.ts";
import { type HttpRequestResult, readResult } from "./answer.ts";
import { type HttpRequestInput, httpRequestInput } from "./input.ts";
import { readRetryAfter } from "./retry-after.ts";
import { openHeaders } from "./sealed-headers.ts";

export interface HttpRequestDeps {
  readonly clock: Clock;
  readonly outbound: Outbound;
  readonly secrets: Secrets;
  readonly signing: Pick<SigningSecrets, "sign">;
}

/** Says no because of when, not of what: worth another try. */
const RETRIED = [408, 409, 425, 429];
/** Says that the service is not well: counted by its circuit, too. */
const isUnwell = (status: number) => status >= 500 || status === 408 || status === 429;

/** An answer that counts against the service. */
class UnwellError extends OutboundError {
  readonly retryAfterSeconds: number | undefined;
  constructor(status: number, retryAfterSeconds: number | undefined) {
    super(`it answered with status ${status}`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

type Outcome = { readonly result: HttpRequestResult } | { readonly refusal: Error };

export function createHttpRequestTask(deps: HttpRequestDeps): Task<HttpRequestInput> {
  const { clock, outbound, secrets, signing } = deps;

  /** Any answer, but for those that count against the service. */
  async function call(input: HttpRequestInput, projectId: string, context: JobContext): Promise<Outcome> {
    const { url, method, body } = input;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const type: Record<string, string> = payload === undefined ? {} : { "Content-Type": "application/json" };
    const answer = await outbound.fetch(url, {
      method,
      headers: {
        Accept: "application/json, */*;q=0.5",
        ...withoutCase(type, openHeaders(secrets, url, input.headers)),
        ...(await signing.sign(projectId, context.jobId, payload ?? "")),
      },
      body: payload,
      signal: context.signal,
      // The job's own time is its bound, and its result's.
      timeoutMs: null,
      maxBytes: Number.POSITIVE_INFINITY,
    });
    const { status, headers } = answer;
    try {
      context.log.info({}, `${method} ${new URL(url).host}: status ${status}`);
      if (status >= 200 && status < 300) return { result: await readResult(answer) };
      const retryAfterSeconds = readRetryAfter(headers.get("retry-after"), clock.now());
      if (isUnwell(status)) throw new UnwellError(status, retryAfterSeconds);
      return { refusal: refusalOf(status, retryAfterSeconds) };
    } finally {
      await answer.close();
    }
  }

  return {
    name: "http.request",
    input: httpRequestInput(outbound, secrets),
    forUsers: {
      description:
        "Calls a service of yours, signed as Standard Webhooks says (GET /projects/{id}/signing-secret); webhook-id is the job's id, the same at each attempt. An answer of 2xx ends the job with its status, headers and body; 408, 409, 425, 429, 5xx and no answer are tried again, not before Retry-After; any other status fails it for good.",
    },
    async run(input, context) {
      const { projectId } = context;
      if (projectId === null) throw new PermanentJobError("NO_PROJECT", "This task belongs to a project.");
      try {
        const { origin } = new URL(input.url);
        const outcome = await outbound.breakers.run(origin, () => call(input, projectId, context), projectId);
        if ("refusal" in outcome) throw outcome.refusal;
        return outcome.result;
      } catch (error) {
        throw toJobError(error);
      }
    },
  };
}

function refusalOf(status: number, retryAfterSeconds: number | undefined): Error {
  const sentence = `The service answered with status ${status}.`;
  if (!RETRIED.includes(status)) return new PermanentJobError("SERVICE_REFUSED", sentence);
  return workErrors.SERVICE_FAILED({
    detail: sentence,
    ...(retryAfterSeconds ? { retryAfterSeconds } : {}),
  });
}

function toJobError(error: unknown): unknown {
  if (error instanceof AddressRefusedError) return new PermanentJobError("ADDRESS_REFUSED", error.message);
  if (error instanceof CircuitOpenError) {
    const delayMs = error.retryAfterSeconds * 1000;
    return new JobPostponed("CIRCUIT_OPEN", `The service: ${error.message}`, { delayMs });
  }
  if (!(error instanceof OutboundError)) return error;
  const retryAfterSeconds = error instanceof UnwellError ? error.retryAfterSeconds : undefined;
  return workErrors.SERVICE_FAILED({
    detail: `The service failed: ${error.message}.`,
    cause: error,
    ...(retryAfterSeconds ? { retryAfterSeconds } : {}),
  });
}

/** The second goes before the first, in whatever case its names are. */
function withoutCase(
  first: Readonly<Record<string, string>>,
  second: Readonly<Record<string, string>>,
): Record<string, string> {
  const named = new Set(Object.keys(second).map((name) => name.toLowerCase()));
  const rest = Object.entries(first).filter(([name]) => !named.has(name.toLowerCase()));
  return { ...Object.fromEntries(rest), ...second };
}
