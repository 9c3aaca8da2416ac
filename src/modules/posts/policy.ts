// Who may change a collection. What the roles may do stands in the one table of the projects module.
import { type Access, allow } from "../projects/index.ts";
import { postErrors } from "./errors.ts";
import type { Collection } from "./model.ts";

/** Its owner alone, and while he may write in the project. */
export function allowCollectionChange(
  access: Access | undefined,
  collection: Pick<Collection, "ownerId">,
  userId: string,
): void {
  allow(access, "collections.write", postErrors.COLLECTION_NOT_FOUND);
  if (collection.ownerId !== userId) throw postErrors.COLLECTION_NOT_YOURS();
}
