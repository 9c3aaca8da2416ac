export type { Audit, AuditEntry } from "./audit.ts";
