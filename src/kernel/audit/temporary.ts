// Stands in for the trail until it is kept in a table: records nothing.
import type { Audit } from "./audit.ts";

export function createTemporaryAudit(): Audit {
  return { record: async () => {} };
}
