// Attendance: who is in which project, over all processes. The database has the truth, the bus makes it quick.
import type { Bus } from "../../kernel/bus/index.ts";
import { pause } from "../../kernel/clock/index.ts";
import type { Database } from "../../kernel/db/index.ts";
import type { ErrorDefinition } from "../../kernel/errors/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { createAttendanceBook } from "./attendance-book.ts";
import { Crowd, type Known, type OnlineUser } from "./crowd.ts";
import { liveErrors } from "./errors.ts";
import { createNoteReader, toMessages } from "./notes.ts";
import {
  type AddressedNote,
  type Change,
  type CrowdMember,
  MAX_CROWD,
  MAX_STATE_BYTES,
  presenceFrame,
  presenceStatus,
} from "./presence.ts";
import { listOthers } from "./store/presence.ts";

/** How a connection hears of the others: sockets by a topic, streams one by one. */
export interface Ear {
  join(topic: string): void;
  leave(topic: string): void;
  hear?(text: string): void;
}

export interface Attendance extends Part {
  /** Finds out who is in the project, unless that is known here. */
  prepare(projectId: string): Promise<void>;
  list(projectId: string): OnlineUser[];
  /** Announces it to all others; from now on it hears of them. */
  enter(member: CrowdMember, ear: Ear): void;
  /** Safe to call for one that is not there. */
  leave(projectId: string, connectionId: string): void;
  /** A frame of the moment, to all who are in the project on this process. */
  sendAll(projectId: string, text: string): void;
  /** A cursor, or whatever else is of the moment: the last value wins. Returns why not. */
  tell(
    projectId: string,
    connectionId: string,
    state: Readonly<Record<string, unknown>>,
  ): ErrorDefinition | undefined;
}

export interface AttendanceDeps {
  readonly db: Database;
  readonly bus: Pick<Bus, "publish" | "subscribe">;
  readonly log: Logger;
  readonly processId: string;
  readonly publish: (topic: string, text: string) => void;
}

const TOPIC = "live.presence";
/** How long a join or leave whose message was lost stays unknown. */
const POLL_MS = 2_000;
/** Screens show no more. */
const STATES_EVERY_MS = 50;

interface Room {
  readonly crowd: Crowd;
  /** By connection id, those of this process. */
  readonly ears: Map<string, Ear>;
  readonly ready: Promise<void>;
}

export function createAttendance(deps: AttendanceDeps): Attendance {
  const { db, bus, log, processId, publish } = deps;
  const rooms = new Map<string, Room>();
  const told = new Set<Known>();
  const readNote = createNoteReader();
  let notesSent = 0;
  const send = (note: AddressedNote) => {
    for (const message of toMessages(note, ++notesSent)) bus.publish(TOPIC, message);
  };
  const book = createAttendanceBook({ db, log, processId, send, listOurs });
  let tellTimer: Timer | undefined;
  let running:
    | { readonly abort: AbortController; readonly unsubscribe: () => void; done: Promise<void> }
    | undefined;

  function listOurs(): Known[] {
    return [...rooms.values()].flatMap(({ crowd }) => crowd.members().filter((member) => member.isOurs));
  }

  function open(projectId: string): Room {
    const crowd = new Crowd();
    const room: Room = { crowd, ears: new Map(), ready: read([projectId]) };
    rooms.set(projectId, room);
    // The next reading tries again; whoever waits is told.
    room.ready.catch(() => {
      if (room.ears.size === 0 && rooms.get(projectId) === room) rooms.delete(projectId);
    });
    return room;
  }

  function announce(room: Room, change: Change, member: Known): void {
    if (room.crowd.size > MAX_CROWD) return;
    const shown = { status: room.crowd.statusOf(member.userId), state: member.state };
    const text = presenceFrame(change, member, change === "left" ? { ...shown, state: null } : shown);
    publish(topicOf(member.projectId), text);
    for (const [connectionId, ear] of room.ears) if (connectionId !== member.connectionId) ear.hear?.(text);
  }

  function join(room: Room, member: Known): void {
    if (room.crowd.add(member)) announce(room, "joined", member);
  }

  function part(room: Room, connectionId: string, isFinal: boolean): Known | undefined {
    const member = room.crowd.remove(connectionId, performance.now(), isFinal);
    if (member) announce(room, "left", member);
    return member;
  }

  /** What others have written down; what was heard of after the question was asked goes before it. */
  async function read(projectIds: readonly string[]): Promise<void> {
    const askedMs = performance.now();
    const found = await listOthers(db.sql, projectIds, processId);
    const present = new Set(found.map(({ connectionId }) => connectionId));
    for (const member of found) {
      const room = rooms.get(member.projectId);
      const known = room?.crowd.find(member.connectionId);
      if (known) known.status = member.status;
      else if (room) join(room, { ...member, state: null, heardMs: askedMs, isOurs: false });
    }
    for (const projectId of projectIds) {
      const room = rooms.get(projectId);
      for (const { connectionId, heardMs, isOurs } of room?.crowd.members() ?? []) {
        if (room && !isOurs && heardMs < askedMs && !present.has(connectionId))
          part(room, connectionId, false);
      }
    }
  }

  function hear(note: AddressedNote): void {
    if (note.from === processId) return;
    const members = note.k === "at" ? [note.m] : note.m;
    for (const [projectId, connectionId, userId, status] of members) {
      const room = rooms.get(projectId);
      if (!room) continue;
      if (note.k === "out") {
        part(room, connectionId, true);
        continue;
      }
      const state = note.k === "at" ? note.s : null;
      const known = room.crowd.find(connectionId);
      if (!known) {
        join(room, {
          projectId,
          connectionId,
          userId,
          status,
          state,
          heardMs: performance.now(),
          isOurs: false,
        });
      } else if (note.k === "at") {
        Object.assign(known, { status, state });
        announce(room, "updated", known);
      }
    }
  }

  /** One frame a connection and beat, however often it moved. */
  function tellAll(): void {
    tellTimer = undefined;
    for (const member of told) {
      const room = rooms.get(member.projectId);
      if (!room || room.crowd.find(member.connectionId) !== member) continue;
      announce(room, "updated", member);
      const { projectId, connectionId, userId, status, state } = member;
      if (state) send({ from: processId, k: "at", m: [projectId, connectionId, userId, status], s: state });
    }
    told.clear();
  }

  async function poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await book.beat();
        for (const [projectId, room] of rooms) if (room.ears.size === 0) rooms.delete(projectId);
        if (rooms.size > 0) await read([...rooms.keys()]);
      } catch (error) {
        log.debug({ err: error }, "presence could not be read");
      }
      await pause(POLL_MS, signal);
    }
  }

  return {
    name: "presence",
    prepare: (projectId) => (rooms.get(projectId) ?? open(projectId)).ready,
    list: (projectId) => rooms.get(projectId)?.crowd.list() ?? [],
    enter(member, ear) {
      const room = rooms.get(member.projectId) ?? open(member.projectId);
      const known: Known = { ...member, status: "active", state: null, heardMs: 0, isOurs: true };
      join(room, known);
      room.ears.set(member.connectionId, ear);
      ear.join(topicOf(member.projectId));
      book.write("in", known);
    },
    sendAll(projectId, text) {
      const room = rooms.get(projectId);
      if (!room) return;
      publish(topicOf(projectId), text);
      for (const ear of room.ears.values()) ear.hear?.(text);
    },
    leave(projectId, connectionId) {
      const room = rooms.get(projectId);
      const ear = room?.ears.get(connectionId);
      if (!room || !ear) return;
      room.ears.delete(connectionId);
      ear.leave(topicOf(projectId));
      const member = part(room, connectionId, true);
      if (member) book.write("out", member);
    },
    tell(projectId, connectionId, state) {
      const member = rooms.get(projectId)?.crowd.find(connectionId);
      if (!member?.isOurs) return liveErrors.NOT_SUBSCRIBED;
      if (Buffer.byteLength(JSON.stringify(state)) > MAX_STATE_BYTES) return liveErrors.FRAME_TOO_LARGE;
      const status = presenceStatus.safeParse(state.status).data ?? member.status;
      if (status !== member.status) book.write("in", member);
      Object.assign(member, { status, state });
      told.add(member);
      tellTimer ??= setTimeout(tellAll, STATES_EVERY_MS);
      return undefined;
    },
    async start() {
      if (running) return;
      const abort = new AbortController();
      // Only `send` above writes to this topic.
      const unsubscribe = bus.subscribe(TOPIC, (message) => {
        const note = readNote(message as AddressedNote);
        if (note) hear(note);
      });
      running = { abort, unsubscribe, done: Promise.resolve() };
      running.done = poll(abort.signal);
    },
    async stop() {
      const stopping = running;
      running = undefined;
      clearTimeout(tellTimer);
      tellTimer = undefined;
      stopping?.unsubscribe();
      stopping?.abort.abort();
      await stopping?.done;
      if (stopping) await book.close();
    },
  };
}

function topicOf(projectId: string): string {
  return `presence:${projectId}`;
}
