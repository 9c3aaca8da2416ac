// The face of the configuration: read here and nowhere else, from the environment and .env.
export { type Config, type ConfigReading, readConfig } from "./config.ts";
export { loadConfig } from "./environment.ts";
export { type PublicAddress, publicAddressOf } from "./public-address.ts";
export type { Setting } from "./setting.ts";
export { settings } from "./settings.ts";
