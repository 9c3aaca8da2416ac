// Responses: the headers that every answer carries, JSON and problems, compressed where it pays.
import type { Refusal } from "../errors/index.ts";
import type { Call } from "./call.ts";
import { compress, MIN_COMPRESSED_BYTES, pickEncoding } from "./compression.ts";
import { type CorsRules, createCors } from "./cors.ts";
import { createAddLimit } from "./limit-headers.ts";
import { PROBLEM_TYPE, problemHeaders, toProblem } from "./problem.ts";
import type { Reply } from "./route.ts";
import { type SecurityOptions, securityHeaders } from "./security-headers.ts";

export interface Answers {
  reply(call: Call, reply: Reply): Response | Promise<Response>;
  problem(call: Call, refusal: Refusal): Response | Promise<Response>;
  /** A response of the handler's own, with our headers where it has none of its own. */
  own(call: Call, response: Response): Response;
  /** OPTIONS of an address that takes `methods`. */
  options(call: Call, methods: string): Response;
}

export function createAnswers(options: SecurityOptions & CorsRules): Answers {
  const common = new Headers(securityHeaders(options));
  const cors = createCors(options);
  common.set("Vary", cors ? "Accept-Encoding, Origin" : "Accept-Encoding");
  // Copying a Headers costs half of what building one from an object does.
  const json = new Headers(common);
  json.set("Content-Type", "application/json");
  const problem = new Headers(common);
  problem.set("Content-Type", PROBLEM_TYPE);

  const addLimit = createAddLimit();

  function begin(call: Call, base: Headers): Headers {
    const headers = call.verdict ? addLimit(base, call.verdict) : new Headers(base);
    headers.set("X-Request-Id", call.requestId);
    if (cors) cors.allow(call.request, headers);
    return headers;
  }

  function send(call: Call, status: number, headers: Headers, text: string): Response | Promise<Response> {
    if (text.length >= MIN_COMPRESSED_BYTES) {
      const encoding = pickEncoding(call.request.headers.get("accept-encoding"));
      if (encoding) return sendCompressed(call, status, headers, text, encoding);
    }
    return finish(call, status, headers, text, Buffer.byteLength(text));
  }

  async function sendCompressed(
    call: Call,
    status: number,
    headers: Headers,
    text: string,
    encoding: "zstd" | "gzip",
  ): Promise<Response> {
    const bytes = await compress(Buffer.from(text), encoding);
    headers.set("Content-Encoding", encoding);
    return finish(call, status, headers, bytes, bytes.length);
  }

  return {
    reply(call, { status, body, headers: extra, cookies }) {
      const headers = begin(call, body === undefined ? common : json);
      for (const name in extra) headers.set(name, extra[name] ?? "");
      if (cookies) for (const cookie of cookies) headers.append("Set-Cookie", cookie);
      if (body === undefined) return finish(call, status, headers, null, 0);
      return send(call, status, headers, JSON.stringify(body));
    },
    problem(call, refusal) {
      const headers = begin(call, problem);
      const extra = problemHeaders(refusal);
      for (const name in extra) headers.set(name, extra[name] ?? "");
      return send(call, refusal.status, headers, JSON.stringify(toProblem(refusal, call.requestId)));
    },
    own(call, response) {
      begin(call, common).forEach((value, name) => {
        if (!response.headers.has(name)) response.headers.set(name, value);
      });
      const length = response.headers.get("content-length");
      call.sentBytes = length === null ? undefined : Number(length);
      return call.request.method === "HEAD" ? withoutBody(response, length) : response;
    },
    options(call, methods) {
      const headers = begin(call, common);
      headers.set("Allow", methods);
      cors?.preflight(call.request, headers, methods);
      return finish(call, 204, headers, null, 0);
    },
  };
}

function finish(
  call: Call,
  status: number,
  headers: Headers,
  body: string | Uint8Array<ArrayBuffer> | null,
  bytes: number,
): Response {
  if (call.request.method === "HEAD") {
    // RFC 9110 section 9.3.2: what GET would have sent, without sending it.
    if (body !== null) headers.set("Content-Length", String(bytes));
    call.sentBytes = 0;
    return new Response(null, { status, headers });
  }
  call.sentBytes = bytes;
  return new Response(body, { status, headers });
}

function withoutBody(response: Response, length: string | null): Response {
  const headers = new Headers(response.headers);
  if (length !== null) headers.set("Content-Length", length);
  void response.body?.cancel();
  return new Response(null, { status: response.status, headers });
}
