// A streamed body as its reader wants it: chunk by chunk with backpressure, and an error when the sender falls silent.
import { kernelErrors } from "../errors/index.ts";

/** A sender that says next to nothing for so long is gone or means no good, even if its connection stands. */
const SILENCE_MS = 60_000;
/** Less than this in all that time is next to nothing. */
const LEAST_BYTES = 1024;

/** The time in which the reader does other things does not count. Errors when the connection is cut before the end. */
export function watchedBody(request: Request, silenceMs = SILENCE_MS): ReadableStream<Uint8Array> {
  const source = request.body?.getReader();
  let waitedMs = 0;
  let receivedBytes = 0;

  async function read(reader: NonNullable<typeof source>) {
    const startedMs = performance.now();
    const result = await within(reader.read(), silenceMs - waitedMs);
    waitedMs += performance.now() - startedMs;
    receivedBytes += result.value?.length ?? 0;
    if (receivedBytes >= LEAST_BYTES) {
      waitedMs = 0;
      receivedBytes = 0;
    }
    return result;
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!source) return controller.close();
        const { done, value } = await read(source);
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => source?.cancel(reason),
    },
    // Nothing is read ahead of the reader.
    { highWaterMark: 0 },
  );
}

async function within<T>(reading: Promise<T>, timeoutMs: number): Promise<T> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(() => silence.reject(kernelErrors.BODY_TOO_SLOW()), timeoutMs);
  try {
    return await Promise.race([reading, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}
