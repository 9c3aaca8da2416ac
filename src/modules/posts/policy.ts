// Who may change a collection. What the roles may do stands in the one table of the projects module.
import { accessesFor, allow, parseAccess } from "../projects/index.ts";
import { postErrors } from "./errors.ts";
import type { CollectionToChange } from "./store/collections.ts";

/**
 * Its owner, while he may write in the project; once he may not any more, because he has left or only reads now, the owner of
 * the project, so that no collection is nobody's.
 */
export function allowCollectionChange(
  { collection, access: text, ownerAccess }: CollectionToChange,
  userId: string,
): void {
  const access = allow(parseAccess(text), "collections.write", postErrors.COLLECTION_NOT_FOUND);
  if (collection.ownerId === userId) return;
  const isOrphaned = ownerAccess === null || !accessesFor("collections.write").includes(ownerAccess);
  if (access.role !== "owner" || !isOrphaned) throw postErrors.COLLECTION_NOT_YOURS();
}
