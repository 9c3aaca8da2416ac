// What a service answered, as the result of its job: bounded, and in a form that can be stored.
import { checkValue } from "../../../kernel/http/index.ts";
import type { GuardedAnswer } from "../../../kernel/outbound/index.ts";

export interface HttpRequestResult {
  readonly status: number;
  /** Those that tell of the answer, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON where it is JSON, else text; null when there is none. */
  readonly body: unknown;
  /** The body was longer, and was cut: it is text then. */
  readonly is_truncated: boolean;
}

const SHOWN =
  "content-type content-length content-language date etag last-modified location x-request-id".split(" ");
/** With what stands around it within a result's 1 MiB. */
const MAX_JSON_BYTES = 1_000_000;

export async function readResult({ status, headers, body }: GuardedAnswer): Promise<HttpRequestResult> {
  const { bytes, isTruncated } = await readUpTo(body, MAX_JSON_BYTES);
  const type = headers.get("content-type") ?? "";
  const text = decode(bytes, type);
  const shown = SHOWN.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, storable(value).slice(0, 1_000)]];
  });
  const kept = toBody(text, type, isTruncated);
  return { status, headers: Object.fromEntries(shown), ...kept };
}

async function readUpTo(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<{ bytes: Uint8Array; isTruncated: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    // Leaving the loop ends the connection.
    if (size > maxBytes) break;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isTruncated: size > maxBytes };
}

function decode(bytes: Uint8Array, type: string): string {
  const charset = /charset="?([\w-]+)/i.exec(type)?.[1] ?? "utf-8";
  try {
    // The types know the names that Bun has; it throws for others.
    return new TextDecoder(charset as "utf-8").decode(bytes);
  } catch {
    // A character set that nobody knows.
    return new TextDecoder().decode(bytes);
  }
}

function toBody(text: string, type: string, isTruncated: boolean): { body: unknown; is_truncated: boolean } {
  if (text === "") return { body: null, is_truncated: isTruncated };
  if (!isTruncated && /^application\/(?:[\w.-]+\+)?json\b/i.test(type)) {
    const body = parse(text);
    // Written anew it may be longer.
    if (body !== undefined && Buffer.byteLength(JSON.stringify(body)) <= MAX_JSON_BYTES)
      return { body, is_truncated: false };
  }
  const whole = storable(text);
  const body = fitting(whole);
  return { body, is_truncated: isTruncated || body.length < whole.length };
}

/** Undefined, which no JSON means, when it is none, or none that could be kept as it is: NUL, a number too large, too deep. */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    checkValue(value, "body");
    return value;
  } catch {
    return undefined;
  }
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\u{FFFD}");
}

/** As much of it as fits when it is written as JSON, where a character may take six bytes. */
function fitting(text: string): string {
  let kept = text;
  while (Buffer.byteLength(JSON.stringify(kept)) > MAX_JSON_BYTES) {
    kept = kept.slice(0, Math.floor(kept.length * 0.8)).toWellFormed();
  }
  return kept;
}
