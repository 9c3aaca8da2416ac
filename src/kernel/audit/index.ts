// The face of the audit trail.
export type { Audit, AuditEntry } from "./audit.ts";
export { createTemporaryAudit } from "./temporary.ts";
