// The one place that touches the process's environment, and the .env file beside it.
import { readFileSync } from "node:fs";
import { StartError } from "../errors/index.ts";
import { type ConfigReading, readConfig } from "./config.ts";

/** Reads process.env and the .env file of the working directory. */
export function loadConfig(): ConfigReading {
  const reading = readConfig(process.env, readDotEnv());
  // The database client would take what its URL leaves open from libpq's variables, which are no settings of ours.
  for (const name of Object.keys(process.env)) if (name.startsWith("PG")) delete process.env[name];
  return reading;
}

function readDotEnv(): string {
  try {
    return readFileSync(".env", "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new StartError("The file .env cannot be read: make it readable for this user or remove it.", error);
  }
}
