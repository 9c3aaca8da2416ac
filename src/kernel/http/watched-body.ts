// A streamed body as its reader wants it: chunk by chunk with backpressure, and an error when the sender falls silent.
import { kernelErrors } from "../errors/index.ts";

/** A sender that says nothing for so long is gone, even if its connection stands. */
const SILENCE_MS = 60_000;

/** The time in which the reader does other things does not count. Errors when the connection is cut before the end. */
export function watchedBody(request: Request, silenceMs = SILENCE_MS): ReadableStream<Uint8Array> {
  const source = request.body?.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!source) return controller.close();
        const { done, value } = await within(source.read(), silenceMs);
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => source?.cancel(reason),
    },
    // Nothing is read ahead of the reader.
    { highWaterMark: 0 },
  );
}

async function within<T>(reading: Promise<T>, silenceMs: number): Promise<T> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(() => silence.reject(kernelErrors.BODY_TOO_SLOW()), silenceMs);
  try {
    return await Promise.race([reading, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}
