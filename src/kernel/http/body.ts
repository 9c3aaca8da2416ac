// Reading a request's body: within its bound, as valid UTF-8, as JSON. No database connection is held meanwhile.
import { kernelErrors } from "../errors/index.ts";
import { checkValue } from "./text-check.ts";

export const DEFAULT_MAX_BODY_BYTES = 8 * 1024 * 1024;

/** In the list of a streamed body: whatever is sent. */
export const ANY_TYPE = "*/*";

const JSON_TYPE = /^application\/(?:[\w.-]{1,64}\+)?json *(?:; *charset *= *"?utf-8"? *)?$/i;

/** The parsed and checked JSON of a body. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const type = request.headers.get("content-type");
  if (type !== null && !JSON_TYPE.test(type)) throw unsupported(["application/json"]);
  refuseEncoded(request);
  const bytes = await readBytes(request, maxBytes);
  const value = parseJson(decode(bytes));
  checkValue(value, "body");
  return value;
}

/** Throws unless the Content-Type is one of `types`, whatever its parameters; ANY_TYPE among them takes any and none. */
export function checkStreamType(request: Request, types: readonly string[]): void {
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  const takesAny = types.includes(ANY_TYPE);
  if (!takesAny && (type === undefined || !types.includes(type))) throw unsupported(types);
  refuseEncoded(request);
}

/** A small compressed body could unfold to any size. */
function refuseEncoded(request: Request): void {
  const encoding = request.headers.get("content-encoding");
  if (encoding === null || encoding.toLowerCase() === "identity") return;
  throw kernelErrors.UNSUPPORTED_MEDIA_TYPE({ detail: "Send the body as it is, without Content-Encoding." });
}

function unsupported(types: readonly string[]) {
  return kernelErrors.UNSUPPORTED_MEDIA_TYPE({
    detail: `Send the body with Content-Type: ${types.join(" or ")}.`,
    // RFC 9110 section 15.5.16.
    headers: { Accept: types.join(", ") },
  });
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const declared = request.headers.get("content-length");
  if (declared !== null && /^\d+$/.test(declared)) {
    // What comes all the same is thrown away by the server unread, so that the client gets to see the answer.
    if (Number(declared) > maxBytes) throw tooLarge(maxBytes);
    return request.bytes();
  }
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number) {
  return kernelErrors.BODY_TOO_LARGE({
    detail: `The body is larger than the ${maxBytes} bytes that this address takes. Send less at once.`,
  });
}

function decode(bytes: Uint8Array): string {
  if (bytes.length === 0)
    throw kernelErrors.INVALID_JSON({ detail: "The body is empty. Send one JSON value." });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw kernelErrors.INVALID_JSON({ detail: "The body is not valid UTF-8. Send JSON in UTF-8." });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw kernelErrors.INVALID_JSON();
  }
}
