// Files of imports at addresses: streamed through the guard, however large, as long as they keep coming.
import { z } from "zod";
import { JobPostponed, PermanentJobError } from "../../kernel/jobs/index.ts";
import {
  AddressRefusedError,
  CircuitOpenError,
  type GuardedAnswer,
  type Outbound,
  OutboundError,
} from "../../kernel/outbound/index.ts";
import { textErrors } from "./errors.ts";
import type { ImportSource } from "./import-task.ts";

const SILENCE_MS = 30_000;
/** Of novels some two thousand; more is hardly a file of text. */
const MAX_BYTES = 1_073_741_824;
const RETRIED = [408, 409, 425, 429];

export function createUrlSource(outbound: Outbound): ImportSource {
  return {
    description: "at an address (url)",
    schema: z
      .string()
      .max(2_000)
      .superRefine((url, check) => {
        const message = outbound.findProblem(url);
        if (message !== undefined) check.addIssue({ code: "custom", message });
      })
      .meta({ description: "http or https, port 80 or 443, on the public internet; at most 1 GiB." }),
    async open(url, { projectId, signal }) {
      const bounds = { signal, timeoutMs: null, silenceMs: SILENCE_MS, maxBytes: MAX_BYTES };
      const call = async () => {
        const answer = await outbound.fetch(url, bounds);
        if (answer.status >= 200 && answer.status < 300) return answer;
        await answer.close();
        const sentence = `it answered with status ${answer.status}`;
        if (answer.status >= 500 || RETRIED.includes(answer.status)) throw new OutboundError(sentence);
        return new PermanentJobError("SOURCE_UNAVAILABLE", `The file could not be read: ${sentence}.`);
      };
      const answer = await outbound.breakers
        .run(new URL(url).origin, call, projectId)
        .catch((error) => Promise.reject(toJobError(error)));
      if (answer instanceof PermanentJobError) throw answer;
      return {
        bytes: readable(answer),
        close: answer.close,
        contentType: answer.headers.get("content-type"),
        name: new URL(answer.url).pathname,
        totalBytes: lengthOf(answer.headers),
      };
    },
  };
}

/** A cut in the middle is the source's failure as well. */
async function* readable({ body }: GuardedAnswer): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw toJobError(error);
  }
}

function toJobError(error: unknown): unknown {
  if (error instanceof AddressRefusedError) return new PermanentJobError("SOURCE_REFUSED", error.message);
  if (error instanceof CircuitOpenError) {
    const delayMs = error.retryAfterSeconds * 1000;
    return new JobPostponed("CIRCUIT_OPEN", `The source: ${error.message}`, { delayMs });
  }
  if (!(error instanceof OutboundError)) return error;
  return textErrors.SOURCE_UNAVAILABLE({
    detail: `The file could not be read: ${error.message}.`,
    cause: error,
  });
}

/** Null when it is not said, or is of another form than what is read. */
function lengthOf(headers: Headers): number | null {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") ? null : Number(length);
}
