// The face of Idempotency-Keys.
export { callerOf, type Idempotent, readIdempotencyKey } from "./key.ts";
export { createPurge, type Purge, purgeIdempotencyKeys } from "./purge.ts";
export { keyedUpload } from "./upload.ts";
export { keyedWrite } from "./write.ts";
