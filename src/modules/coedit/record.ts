// A document's content as this process has it: in a thread, as of a number, and in the database, which alone is the truth.
import type { Database } from "../../kernel/db/index.ts";
import type { PreparedJob } from "../../kernel/jobs/index.ts";
import type { CoeditedPosts } from "../posts/index.ts";
import type { Appender } from "./appending.ts";
import { LARGE_BYTES, MAX_DOCUMENT_BYTES } from "./model.ts";
import {
  findDocument,
  insertDocument,
  listChanges,
  type ProposedChange,
  type StoredDocument,
  saveSnapshot,
  touchDocument,
} from "./store/documents.ts";
import type { DocumentThread, Offered, Outcome } from "./thread/index.ts";

export interface RecordDeps {
  readonly db: Database;
  readonly posts: Pick<CoeditedPosts, "beginCoediting">;
  /** For small documents and for large ones, which then hold up no small one. */
  readonly threads: { readonly small: DocumentThread; readonly large: DocumentThread };
  readonly prepareSettling: (projectId: string, postId: string) => PreparedJob;
  readonly appender: Appender;
}

export interface Write {
  readonly change: Uint8Array;
  readonly editorIds: readonly string[];
}

/** A change that may be stored, and what the document says by it. */
export type Proposed = ProposedChange & { readonly text: string };

/** Some who wrote may not any more: nothing of it was stored. */
export class WritersRefused extends Error {
  readonly userIds: readonly string[];
  constructor(userIds: readonly string[]) {
    super("somebody may not write any more");
    this.userIds = userIds;
  }
}

/** There is no such post, or not any more. */
export class DocumentGone extends Error {}

/** Condensed when the changes weigh as much as the state, but not over and over while it is small. */
const MIN_LOG_BYTES = 64 * 1024;
const MAX_LOG_COUNT = 2_000;

export class Record {
  readonly postId: string;
  readonly projectId: string;
  /** All changes up to here are known to the connections. */
  seq = 0;
  readonly #deps: RecordDeps;
  #thread: DocumentThread;
  #key = "";
  #loads = 0;
  #stateBytes = 0;
  #logBytes = 0;
  #logCount = 0;
  #isCondensing = false;

  constructor(postId: string, projectId: string, deps: RecordDeps) {
    this.postId = postId;
    this.projectId = projectId;
    this.#deps = deps;
    this.#thread = deps.threads.small;
  }

  /** Makes it of the post's body when it is not there yet; nothing may be asked of it before. */
  async open(): Promise<void> {
    const stored = (await this.#find()) ?? (await this.#seed());
    await this.#put(stored);
    this.seq = stored.headSeq;
  }

  /** Anew, as it is stored. Gives what was stored after `seq`: as changes, or as the whole. */
  async reload(): Promise<readonly Uint8Array[]> {
    const stored = await this.#find();
    if (!stored) throw new DocumentGone();
    await this.#put(stored);
    const before = this.seq;
    this.seq = stored.headSeq;
    if (before >= stored.stateSeq) return stored.changes.slice(before - stored.stateSeq);
    return [await this.#thread.diff(this.#key, NOTHING)];
  }

  close(): void {
    if (this.#key !== "") this.#thread.drop(this.#key).catch(() => {});
    this.#key = "";
  }

  vector(): Promise<Uint8Array> {
    return this.#thread.vector(this.#key);
  }

  diff(vector: Uint8Array): Promise<Uint8Array> {
    return this.#thread.diff(this.#key, vector);
  }

  text(): Promise<string> {
    return this.#thread.text(this.#key);
  }

  /** Changes it in the thread alone: store what comes out of it before anybody else is told of it. */
  async edit(offered: readonly Offered[]): Promise<Outcome> {
    const bytes = offered.reduce((sum, each) => sum + each.bytes.length, 0);
    if (this.#bytes() + bytes > MAX_DOCUMENT_BYTES) await this.condense();
    return this.#thread.edit(this.#key, offered, this.#bytes() + bytes > MAX_DOCUMENT_BYTES);
  }

  /** Changes nothing: a change that makes it say `text` where it said `base`, to be stored with its post. */
  async propose(text: string, base: string): Promise<Proposed> {
    const { postId, projectId, seq: afterSeq } = this;
    return { ...(await this.#thread.propose(this.#key, text, base)), postId, projectId, afterSeq };
  }

  /** Gives what other processes have stored meanwhile. */
  async append(write: Write): Promise<{ readonly missed: readonly Uint8Array[] }> {
    const { db, appender, prepareSettling } = this.#deps;
    const { postId, projectId } = this;
    const { refusedIds, appended } = await appender.append({
      projectId,
      postId,
      change: write.change,
      editorIds: write.editorIds,
      prepareSettling: () => prepareSettling(projectId, postId),
    });
    if (refusedIds.length > 0) throw new WritersRefused(refusedIds);
    if (!appended) throw new DocumentGone();
    this.#logBytes = appended.logBytes;
    this.#logCount = appended.logCount;
    if (appended.seq === this.seq + 1) {
      this.seq = appended.seq;
      return { missed: [] };
    }
    const changes = await listChanges(db.sql, postId, this.seq);
    if (!changes) throw new Error("what others have stored is condensed already");
    const missed = changes.slice(0, appended.seq - this.seq - 1);
    await this.#thread.take(this.#key, missed);
    this.seq = appended.seq;
    return { missed };
  }

  /** What other processes have stored after `seq`; throws when it cannot be had one by one any more. */
  async catchUp(): Promise<readonly Uint8Array[]> {
    const missed = await listChanges(this.#deps.db.sql, this.postId, this.seq);
    if (!missed) throw new Error("what others have stored is condensed already");
    if (missed.length === 0) return missed;
    await this.#thread.take(this.#key, missed);
    this.seq += missed.length;
    return missed;
  }

  /** Whether a change could be stored. */
  async probe(): Promise<void> {
    await this.#deps.db.single((tx) => touchDocument(tx, this.postId));
  }

  wantsCondensing(): boolean {
    const isHeavy = this.#logBytes > Math.max(MIN_LOG_BYTES, this.#stateBytes);
    return !this.#isCondensing && (isHeavy || this.#logCount > MAX_LOG_COUNT);
  }

  /** Reads what is stored, and stores it as one state; changes go on meanwhile, and of two who do it one wins. */
  async condense(): Promise<void> {
    if (this.#isCondensing) return;
    this.#isCondensing = true;
    try {
      const { db } = this.#deps;
      const stored = await this.#find();
      if (!stored || stored.changes.length === 0) return;
      const { state } = await this.#threadFor(stored).condense(stored);
      const snapshot = { postId: this.postId, fromSeq: stored.stateSeq, seq: stored.headSeq, state };
      await db.single((tx) => saveSnapshot(tx, snapshot));
      this.#measure({ ...stored, state, changes: [] });
    } finally {
      this.#isCondensing = false;
    }
  }

  #find(): Promise<StoredDocument | undefined> {
    return findDocument(this.#deps.db.sql, this.postId);
  }

  /** Once, however many begin at the same moment: the post's row is held, and one of them has the document's first row. */
  async #seed(): Promise<StoredDocument> {
    const { db, posts, threads } = this.#deps;
    await db.transaction(async (tx) => {
      const post = await posts.beginCoediting(tx, this.postId);
      if (!post) throw new DocumentGone();
      const state = await threads.small.seed(post.body);
      await insertDocument(tx, post.projectId, this.postId, state);
    });
    const stored = await this.#find();
    if (!stored) throw new DocumentGone();
    return stored;
  }

  async #put(stored: StoredDocument): Promise<void> {
    const key = `${this.postId} ${++this.#loads}`;
    const thread = this.#threadFor(stored);
    await thread.load(key, stored);
    this.close();
    this.#thread = thread;
    this.#key = key;
    this.#measure(stored);
  }

  #measure({ state, changes }: Pick<StoredDocument, "state" | "changes">): void {
    this.#stateBytes = state.length;
    this.#logBytes = changes.reduce((sum, change) => sum + change.length, 0);
    this.#logCount = changes.length;
  }

  #bytes(): number {
    return this.#stateBytes + this.#logBytes;
  }

  #threadFor({ state, changes }: StoredDocument): DocumentThread {
    const { small, large } = this.#deps.threads;
    const bytes = changes.reduce((sum, change) => sum + change.length, state.length);
    return bytes > LARGE_BYTES ? large : small;
  }
}

/** The state vector of who has nothing. */
const NOTHING = new Uint8Array([0]);
