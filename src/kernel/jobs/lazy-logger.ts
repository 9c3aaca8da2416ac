// Loggers of jobs, made at their first line: most handlers write none, and making one costs as much as running a short job.
import type { Logger } from "../telemetry/index.ts";

/** The same logger, whose children are made when they are first used. */
export function withLazyChildren(log: Logger): Logger {
  return { ...log, child: (fields) => whenUsed(() => log.child(fields)) };
}

function whenUsed(make: () => Logger): Logger {
  let made: Logger | undefined;
  const get = () => {
    made ??= make();
    return made;
  };
  return {
    debug: (fields, message) => get().debug(fields, message),
    info: (fields, message) => get().info(fields, message),
    warn: (fields, message) => get().warn(fields, message),
    error: (fields, message) => get().error(fields, message),
    child: (fields) => get().child(fields),
    line: (fields) => get().line(fields),
  };
}
