// The face of the audit trail: record in the transaction of what was done; show it with what is here.
export { type AnswerAudit, type AuditRequest, createAnswerAudit } from "./answer.ts";
export type {
  Audit,
  AuditEntry,
  AuditFilter,
  AuditPage,
  AuditPosition,
  AuditRecord,
  AuditScope,
} from "./audit.ts";
export { type AuditOptions, auditMigrations, createAudit } from "./trail.ts";
export { auditEntryView, auditQuery, exportTypes, toAuditFilter } from "./view.ts";
