// Who may delete a file: who sent it or had it made, and the owner of the project.
import type { StoredFile } from "../../kernel/files/index.ts";
import { type Access, projectErrors } from "../projects/index.ts";

/** After the table of permissions has allowed it to a member. */
export function allowDeletion(file: StoredFile, access: Access, personId: string): void {
  if (access.role !== "owner" && file.ownerId !== personId) throw projectErrors.PROJECT_FORBIDDEN();
}
