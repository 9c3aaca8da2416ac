// The identities that a person signs in with: taking one away, but never the last way in.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Database } from "../../../kernel/db/index.ts";
import { accountErrors as no } from "../errors.ts";
import { countOtherWaysIn, deleteIdentity } from "../store/identities.ts";

export interface IdentityRef {
  readonly id: string;
  readonly userId: string;
  readonly address: string;
}

export function createRemoveIdentity({
  db,
  audit,
}: {
  readonly db: Database;
  readonly audit: Pick<Audit, "record">;
}) {
  return ({ id, userId, address }: IdentityRef): Promise<void> =>
    db.transaction(async (tx) => {
      const others = await countOtherWaysIn(tx, userId, id);
      const issuer = await deleteIdentity(tx, userId, id);
      if (issuer === undefined) throw no.IDENTITY_NOT_FOUND();
      // Undoes the deletion.
      if (others === 0) throw no.LAST_WAY_IN();
      const entry = { action: "identity.removed", projectId: null, actorId: userId, subject: id, address };
      await audit.record(tx, { ...entry, data: { issuer } });
    });
}
