// Structured logs: pino, one JSON object a line; request and job ids come from child loggers. No secret is ever passed in.
import { isatty } from "node:tty";
import pino from "pino";
import { createLogOutput, type LogOutput } from "./output.ts";
import { redact } from "./redaction.ts";
import { toTerminalLine } from "./terminal.ts";

/** `log.info({ job_id }, "sentence")`; `child` adds fields to every line. An error goes under `err`. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
  /** Writes a line at level info from fields that are JSON already, `"a":1,"b":"c"`: cheap enough for every request. */
  line(fields: string): void;
}

/** The logger of a process. */
export interface ProcessLogger extends Logger {
  /** Writes what is gathered at once, before a step that may not return. */
  flush(): void;
}

export interface LoggerOptions {
  readonly level: string;
  /** Name of the process, on every line. */
  readonly process: string;
  /** Default: standard output, in the short form when that is a terminal. */
  readonly output?: LogOutput;
}

const STDOUT = 1;
const INFO = 30;

export function createLogger(options: LoggerOptions): ProcessLogger {
  const output = options.output ?? openStandardOutput();
  const log = pino(
    {
      level: options.level,
      base: { process: options.process },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    { write: (line: string) => output.write(redact(line)) },
  );
  return { ...wrap(log, output), flush: () => output.flush() };
}

function wrap(log: pino.Logger, output: LogOutput): Logger {
  const writesInfo = log.isLevelEnabled("info");
  const bindings = JSON.stringify(log.bindings()).slice(1, -1);
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error(fields, message) {
      log.error(fields, message);
      // It may be the last line: a crash often follows.
      output.flush();
    },
    child: (fields) => wrap(log.child(fields), output),
    line(fields) {
      if (!writesInfo) return;
      output.write(`{"level":${INFO},"time":"${new Date().toISOString()}",${bindings},${fields}}\n`);
    },
  };
}

function openStandardOutput(): LogOutput {
  const output = createLogOutput(STDOUT);
  if (!isatty(STDOUT)) return output;
  return { write: (line) => output.write(toTerminalLine(line)), flush: output.flush };
}

export const silentLogger: ProcessLogger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
  flush: () => {},
  line: () => {},
};
