// A dictionary service compatible with dictionaryapi.dev (GET {address}/{word}), spoken to with care: few calls at once, each bounded,
// behind a circuit, and none while it has asked to be left alone.
import { z } from "zod";
import {
  AddressRefusedError,
  type Breakers,
  type GuardedFetch,
  OutboundError,
} from "../../kernel/outbound/index.ts";
import { type Definition, MAX_DEFINITIONS } from "./model.ts";

export interface OutsideDictionary {
  /** Undefined when it does not know the word. Throws when it cannot be asked, or gives no answer that can be used. */
  find(word: string): Promise<Definition | undefined>;
}

export interface OutsideDictionaryOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly fetch: GuardedFetch;
  readonly breakers: Pick<Breakers, "run">;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const CIRCUIT = "dictionary";
const CALL_MS = 2_000;
const MAX_BYTES = 262_144;
const MAX_CALLS = 4;
/** More than one answer can hold; who comes then does without. */
const MAX_WAITING = 2_000;
/** Where a 429 does not say for how long. */
const PAUSE_MS = 60_000;
const MAX_PAUSE_MS = 3_600_000;
const MAX_TEXT_UNITS = 1_000;

const text = z.string().transform((value) => value.slice(0, MAX_TEXT_UNITS));
const answer = z
  .array(
    z.object({
      word: text,
      phonetic: text.optional(),
      phonetics: z.array(z.object({ text: text.optional() })).optional(),
      meanings: z
        .array(
          z.object({
            partOfSpeech: text.optional(),
            definitions: z.array(z.object({ definition: text })).min(1),
          }),
        )
        .min(1),
    }),
  )
  .min(1);

/** It has asked not to be called for a while. */
class PausedError extends Error {}

export function createOutsideDictionary({
  url,
  fetch,
  breakers,
  now,
}: OutsideDictionaryOptions): OutsideDictionary {
  let pausedUntilMs = 0;
  let calls = 0;
  const waiting: (() => void)[] = [];

  async function take(): Promise<void> {
    if (calls < MAX_CALLS) calls++;
    else if (waiting.length < MAX_WAITING) await new Promise<void>((resolve) => void waiting.push(resolve));
    else throw new PausedError("too many words are waiting for the dictionary service");
  }

  /** The place goes to who waits longest. */
  function release(): void {
    const next = waiting.shift();
    if (next) next();
    else calls--;
  }

  async function call(word: string): Promise<Definition | undefined> {
    const response = await fetch(`${url}/${encodeURIComponent(word)}`, {
      headers: { Accept: "application/json" },
      timeoutMs: CALL_MS,
      maxBytes: MAX_BYTES,
    }).catch((error) => {
      // A user's address would be the user's fault; that this service leads us elsewhere is its own.
      if (error instanceof AddressRefusedError)
        throw new OutboundError("the dictionary service redirects to where we may not go", error);
      throw error;
    });
    try {
      if (response.status === 404) return undefined;
      if (response.status === 429) {
        pausedUntilMs = now() + pauseMs(response.headers.get("retry-after"), now());
        throw new PausedError("the dictionary service has asked for a pause");
      }
      if (response.status !== 200)
        throw new OutboundError(`the dictionary service answered with status ${response.status}`);
      return toDefinition(word, await readJson(response.body));
    } finally {
      await response.close();
    }
  }

  return {
    async find(word) {
      await take();
      try {
        if (now() < pausedUntilMs) throw new PausedError("the dictionary service has asked for a pause");
        return await breakers.run(CIRCUIT, () => call(word));
      } finally {
        release();
      }
    },
  };
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function pauseMs(header: string | null, nowMs: number): number {
  const seconds = /^\d{1,9}$/.test(header ?? "") ? Number(header) * 1_000 : Date.parse(header ?? "") - nowMs;
  return Number.isNaN(seconds) ? PAUSE_MS : Math.min(MAX_PAUSE_MS, Math.max(0, seconds));
}

async function readJson(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new OutboundError("the dictionary service answered with what is no JSON", error);
  }
}

function toDefinition(word: string, json: unknown): Definition {
  const parsed = answer.safeParse(json);
  if (!parsed.success)
    throw new OutboundError("the dictionary service answered with what is no dictionary entry");
  const entries = parsed.data;
  const [first] = entries;
  const phonetics = entries.flatMap(({ phonetic, phonetics: all = [] }) => [
    phonetic,
    ...all.map((each) => each.text),
  ]);
  const [main] = first?.meanings ?? [];
  return {
    word,
    lemma: first?.word.toLowerCase() ?? word,
    phonetic: phonetics.find((each) => each !== undefined && each !== "") ?? null,
    partOfSpeech: main?.partOfSpeech ?? null,
    definitions: main?.definitions.slice(0, MAX_DEFINITIONS).map(({ definition }) => definition) ?? [],
    source: "service",
    isProvisional: false,
  };
}
