// The face of projects: who may do what where, the personal project, and what follows a project's end.
export {
  accessColumn,
  accessesFor,
  memberAccessColumn,
  memberWriteAccessColumn,
  parseAccess,
  writeAccessColumn,
} from "./access.ts";
export { projectErrors } from "./errors.ts";
export { accessWithdrawnBy } from "./events.ts";
export { type ExportPart, type ExportScope, pagesByKey } from "./export/part.ts";
export { type Access, homeProjectId, personalProjectId, personOf, type Who } from "./model.ts";
export { createProjects, type Projects, projectsMigrations } from "./module.ts";
export { allow, isAllowed, type Permission, toPermission } from "./policy.ts";
