// The book of attendance: joins and leaves of this process, written together, and told to the others once they are written.
import { pause } from "../../kernel/clock/index.ts";
import type { Database } from "../../kernel/db/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import type { Known } from "./crowd.ts";
import type { AddressedNote } from "./presence.ts";
import { beat, buryDead, deleteMembers, deleteProcess, upsertMembers } from "./store/presence.ts";

export interface AttendanceBook {
  /** `in` also when the status has changed. Nothing waits for it. */
  write(kind: "in" | "out", member: Known): void;
  /** Says that this process lives, and buries those that do not. */
  beat(): Promise<void>;
  /** Writes what is left and strikes the process out. */
  close(): Promise<void>;
}

export interface AttendanceBookDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly processId: string;
  readonly send: (note: AddressedNote) => void;
  readonly listOurs: () => Known[];
}

/** What comes within so long is written together; a thousand clients who come back are a few statements. */
const GATHER_MS = 10;
const RETRY_MS = 500;
/** So many members fit into one message of the bus. */
const NOTE_MEMBERS = 20;

export function createAttendanceBook(deps: AttendanceBookDeps): AttendanceBook {
  const { db, log, processId, send, listOurs } = deps;
  /** The last word about a connection. */
  let entries = new Map<string, { readonly kind: "in" | "out"; readonly member: Known }>();
  let writing: Promise<void> | undefined;
  let isClosed = false;

  async function writeAll(): Promise<void> {
    await pause(GATHER_MS);
    while (entries.size > 0 && !isClosed) {
      const taken = entries;
      entries = new Map();
      try {
        await save(taken);
      } catch (error) {
        log.debug({ err: error }, "presence could not be written");
        // What was said since goes before.
        entries = new Map([...taken, ...entries]);
        await pause(RETRY_MS);
      }
    }
    // Nothing can be added between the last look and this line.
    writing = undefined;
  }

  async function save(taken: typeof entries): Promise<void> {
    const all = [...taken.values()];
    const joined = all.filter(({ kind }) => kind === "in").map(({ member }) => member);
    const left = all.filter(({ kind }) => kind === "out").map(({ member }) => member);
    if (joined.length > 0) await db.single((tx) => upsertMembers(tx, processId, joined));
    if (left.length > 0) await db.single((tx) => deleteMembers(tx, left));
    tell("in", joined);
    tell("out", left);
  }

  function tell(k: "in" | "out", members: readonly Known[]): void {
    for (let start = 0; start < members.length; start += NOTE_MEMBERS) {
      const m = members
        .slice(start, start + NOTE_MEMBERS)
        .map(
          ({ projectId, connectionId, userId, status }) => [projectId, connectionId, userId, status] as const,
        );
      send({ from: processId, k, m });
    }
  }

  function write(kind: "in" | "out", member: Known): void {
    entries.set(`${member.projectId}:${member.connectionId}`, { kind, member });
    writing ??= writeAll();
  }

  return {
    write,
    async beat() {
      const isNew = await db.single((tx) => beat(tx, processId));
      if (isNew) for (const member of listOurs()) write("in", member);
      await db.single(buryDead);
    },
    async close() {
      const rest = [...entries.values()].filter(({ kind }) => kind === "out").map(({ member }) => member);
      isClosed = true;
      await writing;
      try {
        if (rest.length > 0) await db.single((tx) => deleteMembers(tx, rest));
        await db.transaction((tx) => deleteProcess(tx, processId));
      } catch (error) {
        log.debug({ err: error }, "presence could not be taken back; it ends with its lease");
      }
    },
  };
}
