// What can be done with the API keys of a project: make, list, end. Its owner does it, signed in, and no key.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import { findAccess } from "../access.ts";
import { hashApiKey, hintOf, newApiKey } from "../api-key.ts";
import { projectErrors } from "../errors.ts";
import type { Keyring } from "../keyring.ts";
import type { ApiKey } from "../model.ts";
import { allow } from "../policy.ts";
import type { Scope } from "../scopes.ts";
import * as store from "../store/api-keys.ts";
import { findProjectToChange } from "../store/projects.ts";

export interface ApiKeyActionDeps {
  readonly audit: Pick<Audit, "record">;
  readonly keyring: Pick<Keyring, "end">;
}

/** Who asks, and from where. */
export interface KeyBy {
  readonly userId: string;
  readonly address: string;
}

export interface KeyWish {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | null;
}

/** So many that nobody needs more, so few that a list shows what is forgotten. */
const MAX_KEYS = 100;

export type ApiKeyActions = ReturnType<typeof createApiKeyActions>;

export function createApiKeyActions({ audit, keyring }: ApiKeyActionDeps) {
  async function end(tx: Tx, key: Pick<ApiKey, "id" | "projectId">, by: KeyBy): Promise<void> {
    const { id: subject, projectId } = key;
    const { userId: actorId, address } = by;
    await audit.record(tx, { action: "api_key.deleted", projectId, actorId, subject, address });
  }

  return {
    /** The text of the key is given here and never again. */
    async createKey(
      tx: Tx,
      projectId: string,
      by: KeyBy,
      { name, scopes, expiresAt }: KeyWish,
    ): Promise<{ readonly key: string; readonly apiKey: ApiKey }> {
      // Locks the project, so that two of one moment are counted.
      await findProjectToChange(tx, projectId, by.userId);
      allow(await findAccess(tx, projectId, by.userId), "api_keys.manage");
      const key = newApiKey();
      const made = { id: newId(), projectId, name, scopes: [...new Set(scopes)], expiresAt };
      const kept = { ...made, hint: hintOf(key), hash: hashApiKey(key), createdBy: by.userId };
      const apiKey = await store.insertApiKey(tx, kept, MAX_KEYS);
      if (!apiKey) throw projectErrors.API_KEY_LIMIT();
      await audit.record(tx, {
        action: "api_key.created",
        projectId,
        actorId: by.userId,
        subject: apiKey.id,
        address: by.address,
        data: { scopes: apiKey.scopes, expires_at: expiresAt?.toISOString() ?? null },
      });
      return { key, apiKey };
    },

    async listKeys(
      sql: Sql,
      projectId: string,
      userId: string,
      page: Parameters<typeof store.listApiKeys>[2],
    ): Promise<ApiKey[]> {
      allow(await findAccess(sql, projectId, userId), "api_keys.manage");
      return store.listApiKeys(sql, projectId, page);
    },

    /** From the commit on it is dead, within a second in every process. */
    async deleteKey(tx: Tx, id: string, by: KeyBy): Promise<void> {
      const key = await store.findApiKey(tx, id);
      if (!key) throw projectErrors.API_KEY_NOT_FOUND();
      const access = await findAccess(tx, key.projectId, by.userId);
      allow(access, "api_keys.manage", projectErrors.API_KEY_NOT_FOUND);
      if (!(await store.deleteApiKey(tx, id))) throw projectErrors.API_KEY_NOT_FOUND();
      await end(tx, key, by);
      await keyring.end(tx);
    },

    /** With the role of who leaves go the keys that he made: nobody else knows where they are. */
    async deleteKeysOf(tx: Tx, projectId: string, memberId: string, by: KeyBy): Promise<void> {
      const ids = await store.deleteKeysOf(tx, projectId, memberId);
      for (const id of ids) await end(tx, { id, projectId }, by);
      if (ids.length > 0) await keyring.end(tx);
    },
  };
}
