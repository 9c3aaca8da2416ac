// The face of secrets: encryption at rest, keys for single purposes, and the key that all of it hangs on.
export { makeSecretKey, readSecretKey } from "./secret-key.ts";
export { createSecrets, type Secrets } from "./secrets.ts";
