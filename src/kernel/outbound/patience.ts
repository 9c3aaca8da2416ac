// How long a call is waited for: until its deadline, and never longer than so in silence.
import { OutboundError } from "./bounded-fetch.ts";

export interface Patience {
  /** Aborted when it is at its end, or when the caller gives up. */
  readonly signal: AbortSignal;
  /** The other side is to speak next. */
  listen(): void;
  /** It has spoken, and it is for us to act. */
  rest(): void;
  /** What to throw for an error that came meanwhile. */
  explain(error: unknown): unknown;
  end(): void;
}

export interface PatienceOptions {
  /** For all of it; left out, as long as the caller has. */
  readonly timeoutMs: number | undefined;
  readonly silenceMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export function createPatience({ timeoutMs, silenceMs, signal }: PatienceOptions): Patience {
  const lost = new AbortController();
  const giveUp = (sentence: string) => lost.abort(new OutboundError(sentence));
  const deadline =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => giveUp(`no answer within ${timeoutMs} ms`), timeoutMs);
  let silence: Timer | undefined;
  return {
    signal: signal ? AbortSignal.any([signal, lost.signal]) : lost.signal,
    listen() {
      clearTimeout(silence);
      if (silenceMs !== undefined)
        silence = setTimeout(() => giveUp(`it was silent for ${silenceMs} ms`), silenceMs);
    },
    rest: () => clearTimeout(silence),
    explain(error) {
      // Who gave up first: a caller's reason is his own, and no failure of the other side.
      if (signal?.aborted) return signal.reason;
      if (lost.signal.aborted) return lost.signal.reason;
      return error;
    },
    end() {
      clearTimeout(deadline);
      clearTimeout(silence);
    },
  };
}
