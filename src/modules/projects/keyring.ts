// From an API key to its actor: one look-up in memory for a key that was seen before; every process forgets what has ended.
import type { Bus } from "../../kernel/bus/index.ts";
import { type Clock, pause } from "../../kernel/clock/index.ts";
import type { Database, Tx } from "../../kernel/db/index.ts";
import type { AuthenticateKey, KeyActor } from "../../kernel/http/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { hashApiKey, isApiKey } from "./api-key.ts";
import type { ApiKey } from "./model.ts";
import { permissionsOf } from "./scopes.ts";
import { countEnding, findGoodKey, noteUse, readEndings } from "./store/api-keys.ts";

export interface Keyring extends Part {
  readonly authenticate: AuthenticateKey;
  /** Call it in the transaction that ends keys: from its commit on they are dead here, within a second everywhere. */
  end(tx: Tx): Promise<void>;
}

export interface KeyringDeps {
  readonly db: Database;
  readonly bus: Pick<Bus, "publish" | "subscribe">;
  readonly clock: Clock;
  readonly log: Logger;
}

const MAX_REMEMBERED = 10_000;
const POLL_MS = 500;
/** After so long without news the database is asked about every key. */
const STALE_MS = 3_000;
const NOTE_EVERY_MS = 60_000;
const TOPIC = "projects.api_keys_ended";

export function createKeyring({ db, bus, clock, log }: KeyringDeps): Keyring {
  const remembered = new Map<string, KeyActor>();
  /** Key id → when its use was last noted, Unix milliseconds. */
  const notedAt = new Map<string, number>();
  const noting = new Set<Promise<void>>();
  let endings = -1;
  let readAt = Number.NEGATIVE_INFINITY;
  /** Counts the forgetting: what was asked before one may be out of date after it. */
  let age = 0;
  let polling: Promise<void> | undefined;
  let running: { readonly stop: () => Promise<void> } | undefined;

  function forget(): void {
    age += 1;
    remembered.clear();
  }

  async function read(): Promise<void> {
    const askedAt = clock.now();
    const found = await readEndings(db.sql);
    // Unequal and not greater: a restored backup counts from further back.
    if (found !== endings) forget();
    endings = found;
    readAt = askedAt;
  }

  function poll(): Promise<void> {
    polling ??= read().finally(() => {
      polling = undefined;
    });
    return polling;
  }

  async function follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Without keys in memory there is nothing to hear of. An error makes memory stale, and then nothing is believed.
      if (remembered.size > 0) await poll().catch(() => {});
      await pause(POLL_MS, signal);
    }
  }

  function isFresh(nowMs: number): boolean {
    const since = nowMs - readAt;
    return since >= 0 && since <= STALE_MS;
  }

  /** Nobody waits for it; when it fails the next minute notes again. */
  function note({ keyId }: KeyActor, nowMs: number): void {
    if (Math.abs(nowMs - (notedAt.get(keyId) ?? 0)) < NOTE_EVERY_MS) return;
    setBounded(notedAt, keyId, nowMs);
    const writing = db
      .single((tx) => noteUse(tx, keyId))
      .catch((error: unknown) => log.warn({ err: error, api_key_id: keyId }, "use of a key not noted"))
      .finally(() => noting.delete(writing));
    noting.add(writing);
  }

  /** The key's end by either clock, the database's or ours. */
  async function ask(key: string): Promise<KeyActor | undefined> {
    if (!isApiKey(key)) return undefined;
    const before = age;
    const found = await findGoodKey(db.sql, hashApiKey(key));
    const now = clock.now();
    const actor = found && toActor(found);
    if (!actor || now >= actor.expiresAt) {
      remembered.delete(key);
      return undefined;
    }
    note(actor, now);
    if (before === age) setBounded(remembered, key, actor);
    return actor;
  }

  return {
    name: "api keys",
    authenticate(key) {
      const now = clock.now();
      const known = remembered.get(key);
      if (!known || !isFresh(now)) return ask(key);
      if (now >= known.expiresAt) {
        remembered.delete(key);
        return undefined;
      }
      note(known, now);
      return known;
    },
    async end(tx) {
      await countEnding(tx);
      tx.afterCommit(() => {
        forget();
        bus.publish(TOPIC, {});
      });
    },
    async start() {
      if (running) return;
      const controller = new AbortController();
      const unsubscribe = bus.subscribe(TOPIC, () => void poll().catch(() => {}));
      const following = follow(controller.signal);
      running = {
        async stop() {
          unsubscribe();
          controller.abort();
          await following;
        },
      };
    },
    async stop() {
      const stopping = running;
      running = undefined;
      await stopping?.stop();
      await Promise.all(noting);
    },
  };
}

/** When it is full the oldest goes. */
function setBounded<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (map.size >= MAX_REMEMBERED) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  map.set(key, value);
}

function toActor(key: ApiKey): KeyActor {
  return Object.freeze({
    kind: "api_key",
    keyId: key.id,
    projectId: key.projectId,
    creatorId: key.createdBy,
    permissions: permissionsOf(key.scopes),
    expiresAt: key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
  });
}
