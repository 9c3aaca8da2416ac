// The port: what keeps us from listening, in one sentence.
import { createServer } from "node:net";
import type { Config } from "../kernel/config/index.ts";
import { StartError } from "../kernel/errors/index.ts";

interface Address extends Pick<Config, "host" | "port"> {
  /** That the port comes from; default PORT. */
  readonly variable?: string;
}

/** Processes that share a port would also share it with a stranger that allows it. */
export async function refusePortInUse(config: Address): Promise<void> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once("error", reject);
      probe.listen({ host: config.host, port: config.port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw toStartError(error, config);
  } finally {
    await new Promise((resolve) => probe.close(resolve));
  }
}

/** A failure to listen as a sentence; what is something else comes back as it is. */
export function toStartError(error: unknown, { host, port, variable = "PORT" }: Address): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return new StartError(
        `Port ${port} is in use by another program: stop that one, or set ${variable}.`,
        error,
      );
    case "EACCES":
      return new StartError(
        `This user may not listen on port ${port}: set ${variable} to 1024 or more.`,
        error,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new StartError(
        `This machine has no address ${host}: set HOST to one it has, or 0.0.0.0 for all.`,
        error,
      );
    default:
      return error;
  }
}
