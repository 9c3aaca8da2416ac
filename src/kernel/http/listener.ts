// The socket: Bun's server, its bounds, TLS, and a stop that lets running requests finish.
import { readFile } from "node:fs/promises";
import { StartError } from "../errors/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Arrival } from "./call.ts";
import { type BunServer, createSocketHandler, type SocketData } from "./socket-server.ts";

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly sharesPort: boolean;
  readonly tlsCertFile: string | undefined;
  readonly tlsKeyFile: string | undefined;
  readonly log: Logger;
  /** Default 75. */
  readonly idleSeconds?: number;
}

export interface Listener {
  /** Such as http://127.0.0.1:8000. */
  readonly origin: string;
  pendingRequests(): number;
  /** Sends a text to every WebSocket that has joined the topic. */
  publish(topic: string, text: string): void;
  stop(graceMs: number): Promise<void>;
}

/**
 * A connection on which nothing moves for so long is closed, also while its headers or its body trickle in below 16 KiB/s:
 * slow clients cannot hold everything. Longer than the 60 s that load balancers keep a connection, so that theirs ends first.
 */
const IDLE_SECONDS = 75;

export async function listen(
  options: ListenOptions,
  answer: (request: Request, arrival: Arrival) => Promise<Response | undefined>,
): Promise<Listener> {
  const tls = await readTls(options);
  const server = serve({
    hostname: options.host,
    port: options.port,
    reusePort: options.sharesPort,
    idleTimeout: options.idleSeconds ?? IDLE_SECONDS,
    development: false,
    // Each route bounds its own body; here there is no bound, since imports have none.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    ...(tls ? { tls } : {}),
    fetch: (request, self) =>
      answer(request, {
        address: canonical(self.requestIP(request)?.address ?? ""),
        keepOpen: () => self.timeout(request, 0),
        upgrade: (handler, headers) => self.upgrade(request, { data: { handler }, headers }),
      }),
    websocket: createSocketHandler(options.log),
  });
  return {
    origin: server.url.origin,
    pendingRequests: () => server.pendingRequests,
    // Uncompressed: the parameter of publish means the opposite of that of send.
    publish: (topic, text) => void server.publish(topic, text, false),
    async stop(graceMs) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const graceEnd = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs);
      });
      // Takes no more connections and closes idle ones at once; resolves when the last running request has its answer.
      await Promise.race([server.stop(), graceEnd]);
      clearTimeout(timer);
      await server.stop(true);
    },
  };
}

/** An IPv4 client of a socket that takes both kinds is the same client as on one for IPv4 alone (RFC 4291 section 2.5.5.2). */
function canonical(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

function serve(options: Bun.Serve.Options<SocketData>): BunServer {
  try {
    return Bun.serve(options);
  } catch (error) {
    // Other failures, such as a port in use, have a code of the system, which the process puts into words.
    const isOfTls = error instanceof Error && "code" in error && String(error.code).startsWith("ERR_OSSL");
    if (!isOfTls) throw error;
    throw new StartError(
      "TLS_CERT_FILE and TLS_KEY_FILE must hold a certificate and its private key, in PEM.",
      error,
    );
  }
}

async function readTls({ tlsCertFile, tlsKeyFile }: ListenOptions) {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  const [cert, key] = await Promise.all([
    read("TLS_CERT_FILE", tlsCertFile),
    read("TLS_KEY_FILE", tlsKeyFile),
  ]);
  return { cert, key };
}

async function read(variable: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new StartError(`${variable}: the file ${path} cannot be read.`, error);
  }
}
