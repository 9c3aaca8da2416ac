// The signing secret of a project: made when it is first needed, shown to its owner, changed by him, and signed with.
import { randomBytes } from "node:crypto";
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Database, Sql, Tx } from "../../../kernel/db/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Secrets } from "../../../kernel/secrets/index.ts";
import { allow, type Projects } from "../../projects/index.ts";
import * as store from "../secret-store.ts";

export interface SigningSecretDeps {
  readonly audit: Pick<Audit, "record">;
  readonly clock: Clock;
  readonly db: Database;
  readonly projects: Pick<Projects, "access" | "writeAccess">;
  readonly secrets: Secrets;
}

export interface SigningSecret {
  /** `whsec_…`, as the libraries of Standard Webhooks take it. */
  readonly text: string;
  readonly createdAt: Date;
  /** When the one before it stops to sign; null when none does. */
  readonly previousExpiresAt: Date | null;
}

export type SigningSecrets = ReturnType<typeof createSigningSecrets>;

const SECRET_BYTES = 32;

export function createSigningSecrets({ audit, clock, db, projects, secrets }: SigningSecretDeps) {
  const purposeOf = (projectId: string) => `signing secret of ${projectId}`;
  const open = (projectId: string, { sealed }: store.SealedSecret) =>
    Buffer.from(secrets.decrypt(purposeOf(projectId), sealed)).toString();

  async function make(tx: Tx, projectId: string): Promise<void> {
    const text = `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`;
    const sealed = secrets.encrypt(purposeOf(projectId), Buffer.from(text));
    await store.insertFirstSecret(tx, { id: newId(), projectId, sealed });
  }

  async function listValid(sql: Sql, projectId: string): Promise<store.SealedSecret[]> {
    const valid = await store.listValidSecrets(sql, projectId);
    if (valid[0]?.expiresAt === null) return valid;
    await db.single((tx) => make(tx, projectId));
    return store.listValidSecrets(sql, projectId);
  }

  function show(projectId: string, [current, previous]: readonly store.SealedSecret[]): SigningSecret {
    if (!current) throw new Error("a project has no signing secret right after one was made");
    return {
      text: open(projectId, current),
      createdAt: current.createdAt,
      previousExpiresAt: previous?.expiresAt ?? null,
    };
  }

  return {
    async getSecret(projectId: string, userId: string): Promise<SigningSecret> {
      allow(await projects.access(db.sql, projectId, userId), "signing_secrets.manage");
      return show(projectId, await listValid(db.sql, projectId));
    },

    async rotateSecret(
      tx: Tx,
      projectId: string,
      by: { readonly userId: string; readonly address: string },
      graceSeconds: number,
    ): Promise<SigningSecret> {
      allow(await projects.writeAccess(tx, projectId, by.userId), "signing_secrets.manage");
      await store.retireSecret(tx, projectId, graceSeconds);
      await make(tx, projectId);
      const secret = show(projectId, await store.listValidSecrets(tx, projectId));
      await audit.record(tx, {
        action: "signing_secret.rotated",
        projectId,
        actorId: by.userId,
        subject: projectId,
        address: by.address,
        data: { grace_s: graceSeconds },
      });
      return secret;
    },

    /** The three headers of Standard Webhooks. During a change the signatures of both secrets are there, the new one first. */
    async sign(projectId: string, id: string, payload: string): Promise<Record<string, string>> {
      // With the first call: most servers sign nothing.
      const { Webhook } = await import("standardwebhooks");
      const at = new Date(clock.now());
      const signatures = (await listValid(db.sql, projectId)).map((sealed) =>
        new Webhook(open(projectId, sealed)).sign(id, at, payload),
      );
      return {
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
        "webhook-signature": signatures.join(" "),
      };
    },
  };
}
