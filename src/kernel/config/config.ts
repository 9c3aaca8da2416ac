// The configuration: every setting checked before anything starts, each with the place its value came from.
import { parseEnv } from "node:util";
import { StartError } from "../errors/index.ts";
import type { Setting } from "./setting.ts";
import { settings } from "./settings.ts";

export type Config = { readonly [K in keyof typeof settings]: ReturnType<(typeof settings)[K]["parse"]> };

type Source = "environment" | ".env" | "default";

export interface ConfigReading {
  readonly config: Config;
  /** One line a setting, for `stoa config`; secrets masked. */
  readonly lines: readonly { readonly variable: string; readonly value: string; readonly source: Source }[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads all settings. `dotEnv` is the text of a .env file; the environment goes before it. An empty value counts as unset. */
export function readConfig(environment: Environment, dotEnv = ""): ConfigReading {
  const file: Environment = parseEnv(dotEnv);
  const config: Record<string, unknown> = {};
  const lines: { variable: string; value: string; source: Source }[] = [];
  for (const [name, setting] of Object.entries(settings) as [string, Setting<unknown>][]) {
    const { text, source } = look(setting.variable, environment, file);
    const value = parse(setting, text);
    config[name] = value;
    lines.push({ variable: setting.variable, value: show(setting, value), source });
  }
  if ((config.tlsCertFile === undefined) !== (config.tlsKeyFile === undefined)) {
    throw new StartError("TLS_CERT_FILE and TLS_KEY_FILE go together: set both or neither.");
  }
  if ((config.googleClientId === undefined) !== (config.googleClientSecret === undefined)) {
    throw new StartError("GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET go together: set both or neither.");
  }
  if (config.smtpUrl !== undefined && config.mailFrom === undefined) {
    throw new StartError("MAIL_FROM is required with SMTP_URL: set it to the address that mails come from.");
  }
  if (config.databaseUrl !== undefined && config.secretKey === undefined) {
    throw new StartError(
      "SECRET_KEY is required with DATABASE_URL: set it to the output of `openssl rand -base64 32` and keep it.",
    );
  }
  // Each setting's parser has given its own type, under its own name.
  return { config: config as unknown as Config, lines };
}

function look(
  variable: string,
  environment: Environment,
  file: Environment,
): { text?: string; source: Source } {
  if (environment[variable]) return { text: environment[variable], source: "environment" };
  if (file[variable]) return { text: file[variable], source: ".env" };
  return { source: "default" };
}

function parse(setting: Setting<unknown>, text: string | undefined): unknown {
  try {
    return setting.parse(text);
  } catch (error) {
    const shown = setting.isSecret ? "" : `; it is "${text}"`;
    throw new StartError(
      `${setting.variable} must be ${error instanceof Error ? error.message : "valid"}${shown}.`,
    );
  }
}

function show(setting: Setting<unknown>, value: unknown): string {
  if (value === undefined) return "";
  return setting.isSecret ? "********" : String(value);
}
