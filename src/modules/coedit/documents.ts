// The documents that are open on this process: opened once however many want them, told of news, unloaded when nobody does.
import type { Bus } from "../../kernel/bus/index.ts";
import { pause } from "../../kernel/clock/index.ts";
import type { Database } from "../../kernel/db/index.ts";
import type { Events, StoredEvent, Following as Watch } from "../../kernel/events/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { CLOSE } from "../live/index.ts";
import { accessWithdrawnBy, isAllowed, type Projects } from "../projects/index.ts";
import { createAppender } from "./appending.ts";
import { AwarenessBook, type EntryNote } from "./awareness.ts";
import { Document, type FollowRhythm } from "./document.ts";
import type { Following } from "./following.ts";
import { COEDIT_CLOSE, type WriteState } from "./model.ts";
import { Others } from "./others.ts";
import { Record, type RecordDeps } from "./record.ts";
import type { Member } from "./seats.ts";
import { listHeads } from "./store/documents.ts";

export interface DocumentsDeps extends Omit<RecordDeps, "prepareSettling" | "appender"> {
  readonly db: Database;
  readonly bus: Pick<Bus, "publish" | "subscribe">;
  readonly events: Pick<Events, "tail">;
  readonly projects: Pick<Projects, "access">;
  readonly following: Following;
  readonly log: Logger;
  readonly processId: string;
  readonly rhythm: Rhythm;
}

export interface OpenDocument {
  readonly document: Document;
  readonly awareness: AwarenessBook;
}

export interface Documents {
  /** Whole, or it rejects. It stays for a while, also when nobody enters it. */
  open(postId: string, projectId: string): Promise<OpenDocument>;
  /** What the user may do there as of now; undefined for a stranger. Enter the document before, so that no change is missed. */
  rightsOf(projectId: string, userId: string): Promise<WriteState | undefined>;
  count(): number;
  stop(): Promise<void>;
}

/** What processes tell each other; whatever is lost is polled. */
type Told =
  | { readonly k: "new"; readonly d: string; readonly s: number }
  | { readonly k: "at"; readonly d: string; readonly e: EntryNote }
  /** It was opened; whoever has it open, too, answers that he has. */
  | { readonly k: "ask"; readonly d: string }
  | { readonly k: "have"; readonly d: string }
  | { readonly k: "left"; readonly d: string }
  /** All that is open, by whether somebody there may write it. */
  | {
      readonly k: "here";
      readonly edited: readonly string[];
      readonly read: readonly string[];
      readonly isMore: boolean;
    };
type Note = Told & { readonly p: string };
type NoteOfOpen = Exclude<Note, { readonly k: "here" | "left" }>;

const TOPIC = "coedit";
/** What is done without being asked, and when. */
export interface Rhythm extends FollowRhythm {
  /** How late a change is when its hint was lost. */
  readonly pollMs: number;
  readonly beatMs: number;
  /** Whoever comes back in a moment finds it loaded. */
  readonly unloadAfterMs: number;
}

export const RHYTHM: Rhythm = {
  pollMs: 500,
  beatMs: 3_000,
  unloadAfterMs: 15_000,
  followAfterMs: 400,
  followEveryMs: 5_000,
};
const KEEP_ALIVE_MS = 20_000;
/** So many ids fit into a message of the bus. */
const IDS_A_NOTE = 80;

interface Entry extends OpenDocument {
  readonly watch: Watch;
}

export function createDocuments(deps: DocumentsDeps): Documents {
  const { db, bus, events, projects, following, log, processId } = deps;
  const { pollMs, beatMs, unloadAfterMs } = deps.rhythm;
  const opening = new Map<string, Promise<Entry>>();
  const opened = new Map<string, Entry>();
  const others = new Others();
  const appender = createAppender(db);
  const abort = new AbortController();
  let lastBeatMs = performance.now();
  const tell = (note: Told) => bus.publish(TOPIC, { ...note, p: processId });

  async function open(postId: string, projectId: string): Promise<Entry> {
    const { prepareSettling } = following;
    const record = new Record(postId, projectId, { ...deps, appender, prepareSettling });
    const document = new Document({
      record,
      log,
      rhythm: deps.rhythm,
      onStored(seq) {
        // A note reaches every process and costs each of them. Who has opened it just now finds the change by himself.
        if (others.haveOpen(postId)) tell({ k: "new", d: postId, s: seq });
      },
      follow: (seq, text) => following.follow(postId, seq, text),
      onEditorsLeft: () => settleIfNobodyEdits(projectId, postId),
    });
    const awareness = new AwarenessBook({
      processId,
      send: (frame) => {
        for (const { member, writeState } of document.seats.all()) if (writeState) member.send(frame);
      },
      tell(entry) {
        if (others.haveOpen(postId)) tell({ k: "at", d: postId, e: entry });
      },
    });
    // Listening goes before asking: what is taken away after the question is heard of as an event.
    const watch = await events.tail.follow(projectId, (news) => {
      if (news.type === "reset") recheck(document);
      else for (const event of news.events) hear(document, event);
    });
    try {
      await record.open();
    } catch (error) {
      watch.stop();
      throw error;
    }
    const entry = { document, awareness, watch };
    opened.set(postId, entry);
    tell({ k: "ask", d: postId });
    return entry;
  }

  function hear(document: Document, event: StoredEvent): void {
    const withdrawn = accessWithdrawnBy(event);
    const closing = { ...CLOSE.withdrawn, reason: `${CLOSE.withdrawn.reason}: ${document.record.projectId}` };
    if (withdrawn === "everyone") document.closeAll(closing);
    else if (withdrawn) document.closeAll(closing, ({ userId }) => userId === withdrawn.userId);
    else if (event.event === "post.deleted" && event.subject === document.record.postId) {
      document.closeAll(COEDIT_CLOSE.deleted);
    } else if (/^(?:collaborator|project)\./.test(event.event)) recheck(document);
  }

  function recheck(document: Document): void {
    for (const { member } of document.seats.all()) void recheckMember(document, member);
  }

  async function recheckMember(document: Document, member: Member): Promise<void> {
    while (document.seats.find(member) && !abort.signal.aborted) {
      try {
        const rights = await rightsOf(document.record.projectId, member.userId);
        if (rights) document.admit(member, rights);
        else member.close(CLOSE.withdrawn);
        return;
      } catch {
        await pause(pollMs, abort.signal);
      }
    }
  }

  async function rightsOf(projectId: string, userId: string): Promise<WriteState | undefined> {
    const access = await projects.access(db.sql, projectId, userId);
    if (!access || !isAllowed(access, "posts.read")) return undefined;
    if (isAllowed(access, "posts.write")) return { can_write: true };
    return { can_write: false, code: access.role === "viewer" ? "VIEWER" : "PROJECT_ARCHIVED" };
  }

  function settleIfNobodyEdits(projectId: string, postId: string): void {
    if (others.edit(postId)) return;
    // Should it fail, the job that waits for the pause does it.
    following
      .settleSoon(projectId, postId)
      .catch((err) => log.debug({ err }, "a version will be made after the pause"));
  }

  function hearNote(message: unknown): void {
    // Our own notes: nobody else writes on this topic.
    const note = message as Note;
    if (note.p === processId) return;
    others.hear(note.p);
    if (note.k === "here") others.told(note.p, note);
    else if (note.k === "left") others.left(note.p, note.d);
    else hearOfDocument(note);
  }

  function hearOfDocument(note: NoteOfOpen): void {
    others.opened(note.p, note.d);
    const entry = opened.get(note.d);
    if (!entry) return;
    if (note.k === "new") entry.document.hear(note.s);
    else if (note.k === "at") entry.awareness.hearNote(note.p, note.e);
    else if (note.k === "ask") {
      tell({ k: "have", d: note.d });
      for (const each of entry.awareness.notes()) tell({ k: "at", d: note.d, e: each });
    }
  }

  async function poll(): Promise<void> {
    while (!abort.signal.aborted) {
      await pause(pollMs, abort.signal);
      if (performance.now() - lastBeatMs > beatMs) beat();
      if (opened.size === 0) continue;
      const heads = await listHeads(db.sql, [...opened.keys()]).catch(() => new Map<string, number>());
      for (const [postId, seq] of heads) opened.get(postId)?.document.hear(seq);
    }
  }

  function beat(): void {
    lastBeatMs = performance.now();
    const all = [...opened];
    const isEdited = ([, { document }]: (typeof all)[number]) => document.seats.writers().length > 0;
    for (let start = 0; start === 0 || start < all.length; start += IDS_A_NOTE) {
      const some = all.slice(start, start + IDS_A_NOTE);
      const edited = some.filter(isEdited).map(([postId]) => postId);
      const read = some.filter((each) => !isEdited(each)).map(([postId]) => postId);
      tell({ k: "here", edited, read, isMore: start > 0 });
    }
    const dead = others.bury(lastBeatMs);
    for (const [postId, entry] of opened) {
      const { document, awareness } = entry;
      for (const id of dead) awareness.processGone(id);
      awareness.forgetSilent(lastBeatMs);
      awareness.keepAlive(lastBeatMs, KEEP_ALIVE_MS);
      document.remind();
      if (document.isIdle() && lastBeatMs - document.usedMs > unloadAfterMs) unload(postId, entry);
    }
  }

  /** In one tick: whoever wants it afterwards opens it anew. */
  function unload(postId: string, { document, awareness, watch }: Entry): Promise<void> {
    opened.delete(postId);
    opening.delete(postId);
    tell({ k: "left", d: postId });
    watch.stop();
    awareness.stop();
    return document.stop();
  }

  const unsubscribe = bus.subscribe(TOPIC, hearNote);
  const polling = poll();

  return {
    rightsOf,
    async open(postId, projectId) {
      const known = opening.get(postId) ?? open(postId, projectId);
      opening.set(postId, known);
      try {
        const entry = await known;
        entry.document.usedMs = performance.now();
        return entry;
      } catch (error) {
        // The next one tries again; nobody ever gets an empty document in its place.
        if (opening.get(postId) === known) opening.delete(postId);
        throw error;
      }
    },
    count: () => opened.size,
    async stop() {
      abort.abort();
      await Promise.allSettled(opening.values());
      await Promise.all([...opened].map(([postId, entry]) => unload(postId, entry)));
      unsubscribe();
      await polling;
    },
  };
}
