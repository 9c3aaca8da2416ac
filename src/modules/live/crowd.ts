// The crowd of a project: its connections in all processes, each joined and left once, merged by user.
import type { CrowdMember, PresenceStatus } from "./presence.ts";

export interface OnlineUser {
  readonly user_id: string;
  readonly status: PresenceStatus;
  readonly connections: readonly { readonly connection_id: string; readonly state: unknown }[];
}

export interface Known extends CrowdMember {
  status: PresenceStatus;
  state: Readonly<Record<string, unknown>> | null;
  /** Of this process, or heard of when; a reading that began before that knows nothing of it. */
  readonly heardMs: number;
  readonly isOurs: boolean;
}

/** Longer lists help nobody who looks at them. */
const MAX_LISTED = 200;
/** Messages about a connection that has left may still be under way. */
const REMEMBERED_MS = 60_000;
const RANK: readonly PresenceStatus[] = ["active", "idle", "away"];

export class Crowd {
  readonly #members = new Map<string, Known>();
  readonly #gone = new Map<string, number>();

  get size(): number {
    return this.#members.size;
  }

  find(connectionId: string): Known | undefined {
    return this.#members.get(connectionId);
  }

  members(): readonly Known[] {
    return [...this.#members.values()];
  }

  /** False when it is here already, or has left. */
  add(member: Known): boolean {
    if (this.#members.has(member.connectionId) || this.#gone.has(member.connectionId)) return false;
    this.#members.set(member.connectionId, member);
    return true;
  }

  /** @param isFinal it has said good-bye; else its process is silent, and may come back. */
  remove(connectionId: string, nowMs: number, isFinal: boolean): Known | undefined {
    const member = this.#members.get(connectionId);
    this.#members.delete(connectionId);
    if (isFinal) this.#gone.set(connectionId, nowMs);
    for (const [id, atMs] of this.#gone) {
      if (nowMs - atMs < REMEMBERED_MS) break;
      this.#gone.delete(id);
    }
    return member;
  }

  /** Of all connections of a user the most present one counts. */
  statusOf(userId: string): PresenceStatus {
    return mostPresent(this.members().filter((member) => member.userId === userId));
  }

  list(): OnlineUser[] {
    const byUser = new Map<string, Known[]>();
    let listed = 0;
    for (const member of this.#members.values()) {
      if (++listed > MAX_LISTED) break;
      const own = byUser.get(member.userId);
      if (own) own.push(member);
      else byUser.set(member.userId, [member]);
    }
    return [...byUser].map(([userId, members]) => ({
      user_id: userId,
      status: mostPresent(members),
      connections: members.map(({ connectionId, state }) => ({ connection_id: connectionId, state })),
    }));
  }
}

function mostPresent(members: readonly Known[]): PresenceStatus {
  return RANK.find((status) => members.some((member) => member.status === status)) ?? "away";
}
