// A document on this process: one thing is done after the other. What is stored is sent on; nothing else is.
import { pause } from "../../kernel/clock/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import type { Closing } from "../live/index.ts";
import { answerFrame } from "./frames.ts";
import { COEDIT_CLOSE, type WriteState } from "./model.ts";
import { DocumentGone, type Proposed, type Record, WritersRefused } from "./record.ts";
import { type Member, type Seat, Seats } from "./seats.ts";

export interface FollowRhythm {
  /** After the last change; the body follows within a second of it. */
  readonly followAfterMs: number;
  /** While changes go on and on. */
  readonly followEveryMs: number;
}

export interface DocumentDeps {
  readonly record: Record;
  readonly log: Logger;
  readonly rhythm: FollowRhythm;
  /** A change was stored: the other processes are told. */
  readonly onStored: (seq: number) => void;
  /** Makes the post's body say it. */
  readonly follow: (seq: number, text: string) => Promise<void>;
  /** The last of those who may write here has left, and something was written here. */
  readonly onEditorsLeft: () => void;
}

interface Offer {
  readonly seat: Seat;
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly isAnswer: boolean;
}

const RETRY_MS = 250;
const MAX_RETRY_MS = 2_000;
/** Read and stored in one go. */
const MAX_BATCH_BYTES = 2 * 1024 * 1024;
/** Waiting for the database; who sends more than it takes has to come again. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const STOP_MS = 3_000;

export class Document {
  readonly record: Record;
  readonly seats = new Seats();
  readonly #deps: DocumentDeps;
  /** `reloading`: what is in the thread is worth nothing. `read-only`: it is what is stored, and nothing can be stored. */
  #state: "open" | "reloading" | "read-only" | "gone" = "open";
  #offers: Offer[] = [];
  #waitingBytes = 0;
  readonly #asks: { readonly run: () => Promise<void>; readonly giveUp: () => void }[] = [];
  #isBehind = false;
  #working: Promise<void> | undefined;
  #followTimer: Timer | undefined;
  #followDueMs = 0;
  #unfollowedMs: number | undefined;
  #hasEdited = false;
  /** Of the newest change that was made here. */
  #editedSeq = 0;
  #isStopped = false;
  usedMs = performance.now();

  constructor(deps: DocumentDeps) {
    this.#deps = deps;
    this.record = deps.record;
  }

  isIdle(): boolean {
    return this.seats.size === 0 && !this.#working && this.#unfollowedMs === undefined;
  }

  /** It is told nothing before it is admitted. */
  enter(member: Member): void {
    this.usedMs = performance.now();
    this.seats.enter(member);
  }

  /** Also when its rights have changed. */
  admit(member: Member, allowed: WriteState): void {
    const seat = this.seats.find(member);
    if (seat && this.seats.admit(seat, allowed)) this.#askLater(seat);
  }

  leave(member: Member): void {
    this.usedMs = performance.now();
    const seat = this.seats.leave(member);
    if (!seat?.writeState?.can_write || !this.#hasEdited || this.seats.writers().length > 0) return;
    this.#hasEdited = false;
    // What it has said last is still on its way to the database.
    this.#enqueue(async () => this.#deps.onEditorsLeft());
  }

  /** An update of a connection. */
  offer(member: Member, bytes: Uint8Array, isAnswer: boolean): void {
    const seat = this.seats.find(member);
    if (!seat?.writeState) return;
    const number = ++seat.received;
    if (this.#state !== "open" || !seat.writeState.can_write) {
      // An answer that says nothing new is the smallest update there is.
      if (bytes.length > 2) this.seats.deny(seat);
      return;
    }
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) member.close(COEDIT_CLOSE.tryLater);
    else this.#offers.push({ seat, number, bytes, isAnswer });
    this.#work();
  }

  /** What a connection misses, by its state vector. */
  ask(member: Member, vector: Uint8Array): void {
    this.#enqueue(async () => {
      if (!this.seats.find(member)) return;
      const missing = await this.record.diff(vector).catch(() => undefined);
      if (missing) return member.send(answerFrame(missing));
      // Either the vector is none, or the document is not there any more: then it asks again when it is.
      await this.record.vector().catch((error) => {
        this.ask(member, vector);
        throw error;
      });
      member.close(COEDIT_CLOSE.badFrame);
    });
  }

  /** Another process has stored a change. */
  hear(seq: number): void {
    if (seq > this.record.seq) this.#lookForMore();
  }

  /** Finds a change that makes it say `text` where it said `base`, and changes nothing. */
  propose(text: string, base: string): Promise<Proposed> {
    this.#lookForMore();
    return this.#enqueueFor(() => this.record.propose(text, base));
  }

  /** What was proposed is stored. */
  hearProposed(): void {
    this.#lookForMore();
    this.#enqueue(async () => {
      this.#deps.onStored(this.record.seq);
      // What was stored right before it is perhaps not in the body that was saved with it.
      this.#followLater();
    });
  }

  /** Saves what it says as the body. */
  async follow(): Promise<void> {
    this.#lookForMore();
    this.#stopFollowTimer();
    // Saved apart from what is done one after the other: it waits for the post, which may be held by who waits for the document.
    const { seq, text } = await this.#enqueueFor(async () => ({
      seq: this.record.seq,
      text: await this.record.text(),
    }));
    await this.#saveBody(seq, text);
    // What others have stored since, their processes follow.
    if (seq >= this.#editedSeq) this.#unfollowedMs = undefined;
  }

  /** Those from whom something is missing are asked once more. */
  remind(): void {
    for (const seat of this.seats.writers()) if (seat.owes && !seat.isAsked) this.#askLater(seat);
  }

  closeAll(closing: Closing, isMeant: (member: Member) => boolean = () => true): void {
    for (const { member } of this.seats.all()) if (isMeant(member)) member.close(closing);
  }

  /** Ends what is under way and saves the body, if that can be done soon; else the session's job does it. */
  async stop(): Promise<void> {
    const soon = pause(STOP_MS);
    if (this.#unfollowedMs !== undefined) await Promise.race([this.follow().catch(() => {}), soon]);
    this.#isStopped = true;
    this.#stopFollowTimer();
    await Promise.race([this.#working, soon]);
    this.record.close();
  }

  #lookForMore(): void {
    this.#isBehind = true;
    this.#work();
  }

  #askLater(seat: Seat): void {
    this.#enqueue(async () => {
      if (this.#state === "open") this.seats.ask(seat, await this.record.vector());
    });
  }

  /** @param giveUp instead of it when the document is closed before. */
  #enqueue(run: () => Promise<void>, giveUp = () => {}): void {
    this.#asks.push({ run, giveUp });
    this.#work();
  }

  /** For what changes nothing: that it fails harms nobody else. Rejects when the document is closed before. */
  #enqueueFor<T>(run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(new Error("the document is closed"));
      this.#enqueue(() => run().then(resolve, reject), giveUp);
    });
  }

  #work(): void {
    this.#working ??= this.#run();
  }

  async #run(): Promise<void> {
    // What comes in the same moment goes together.
    await Promise.resolve();
    while (!this.#isStopped && (this.#isBehind || this.#offers.length > 0 || this.#asks.length > 0)) {
      try {
        await this.#step();
      } catch (error) {
        await this.#recover(error);
      }
    }
    // Nothing can be added between the last look and this line.
    this.#working = undefined;
    if (this.#isStopped) for (const { giveUp } of this.#asks.splice(0)) giveUp();
  }

  async #step(): Promise<void> {
    if (this.#isBehind) {
      this.#isBehind = false;
      this.seats.relay(await this.record.catchUp());
    }
    if (this.#offers.length > 0) await this.#take(this.#nextBatch());
    // Those that come meanwhile wait for the updates that came before them.
    for (let left = this.#asks.length; left > 0; left--) await this.#asks.shift()?.run();
  }

  #nextBatch(): readonly Offer[] {
    let [count, bytes] = [0, 0];
    while (count < this.#offers.length && bytes < MAX_BATCH_BYTES) {
      bytes += this.#offers[count++]?.bytes.length ?? 0;
    }
    const batch = this.#offers.slice(0, count);
    this.#offers = this.#offers.slice(count);
    this.#waitingBytes -= bytes;
    return batch;
  }

  async #take(offers: readonly Offer[]): Promise<void> {
    const edited = await this.record.edit(offers.map(({ bytes, isAnswer }) => ({ bytes, isAnswer })));
    if (edited.isSpoilt) return this.#takeOneByOne(offers);
    const judged = offers.map((offer, index) => ({ offer, verdict: edited.verdicts[index] ?? "unreadable" }));
    const used = judged.filter(({ verdict }) => verdict === "taken" || verdict === "gaps");
    const editorIds = new Set(used.map(({ offer }) => offer.seat.member.userId));
    if (edited.change) await this.#store(edited.change, [...editorIds]);
    const gaps = judged.flatMap(({ offer, verdict }) => (verdict === "gaps" ? [offer] : []));
    // Perhaps what they build on was stored by another process.
    const missed = gaps.length > 0 ? await this.record.catchUp() : [];
    this.seats.relay(missed);
    for (const { offer, verdict } of judged) {
      if (verdict === "gaps" && missed.length > 0) continue;
      if (this.seats.settle(offer.seat, offer, verdict)) this.#askLater(offer.seat);
    }
    if (missed.length > 0) await this.#take(gaps);
  }

  /** One of them breaks the document: which, is found by taking each alone. */
  async #takeOneByOne(offers: readonly Offer[]): Promise<void> {
    this.seats.relay(await this.record.reload());
    const [only] = offers;
    if (offers.length > 1) for (const offer of offers) await this.#take([offer]);
    else if (only && this.seats.settle(only.seat, only, "unreadable")) this.#askLater(only.seat);
  }

  async #store(change: Uint8Array, editorIds: readonly string[]): Promise<void> {
    const { missed } = await this.record.append({ change, editorIds });
    this.seats.relay([...missed, change]);
    this.#deps.onStored(this.record.seq);
    this.#hasEdited = true;
    this.#followLater();
    if (!this.record.wantsCondensing()) return;
    this.record.condense().catch((err) => this.#deps.log.warn({ err }, "a document was not condensed"));
  }

  #followLater(): void {
    const nowMs = performance.now();
    this.#editedSeq = this.record.seq;
    this.#unfollowedMs ??= nowMs;
    const { followAfterMs, followEveryMs } = this.#deps.rhythm;
    this.#followDueMs = Math.min(nowMs + followAfterMs, this.#unfollowedMs + followEveryMs);
    // Put off at each change: the timer that runs finds that it is not yet time.
    this.#followTimer ??= setTimeout(() => this.#followNow(), Math.max(0, this.#followDueMs - nowMs));
  }

  #followNow(): void {
    const nowMs = performance.now();
    const restMs = this.#followDueMs - nowMs;
    this.#followTimer = restMs > 1 ? setTimeout(() => this.#followNow(), restMs) : undefined;
    if (restMs > 1) return;
    this.#unfollowedMs = nowMs;
    // Should it fail, it is tried again.
    this.follow().catch(() => {});
  }

  #stopFollowTimer(): void {
    clearTimeout(this.#followTimer);
    this.#followTimer = undefined;
  }

  async #saveBody(seq: number, text: string): Promise<void> {
    try {
      await this.#deps.follow(seq, text);
    } catch (error) {
      // Whoever asked for it has put the timer off.
      if (this.#unfollowedMs !== undefined && !this.#isStopped) this.#followLater();
      throw error;
    }
  }

  /** What is in the thread may not be stored: it is thrown away, and everybody is asked for what is missing then. */
  async #recover(error: unknown): Promise<void> {
    const { log, record } = this.#deps;
    if (error instanceof DocumentGone) return this.#end();
    const isRefusal = error instanceof WritersRefused;
    if (isRefusal) this.#withholdFrom(error.userIds);
    else log.warn({ err: error, post_id: record.postId }, "a document could not be stored or read");
    this.#state = "reloading";
    if (!isRefusal) this.#tellStoring(false);
    if (!(await this.#reload())) return;
    if (isRefusal) return this.#reopen();
    this.#state = "read-only";
    void this.#probe();
  }

  #withholdFrom(userIds: readonly string[]): void {
    for (const seat of this.seats.writers()) {
      if (userIds.includes(seat.member.userId)) this.seats.admit(seat, { can_write: false, code: "VIEWER" });
    }
  }

  async #reload(): Promise<boolean> {
    for (let delayMs = RETRY_MS; !this.#isStopped; delayMs = Math.min(MAX_RETRY_MS, delayMs * 2)) {
      this.#dropOffers();
      try {
        this.seats.relay(await this.record.reload());
        return true;
      } catch (error) {
        if (error instanceof DocumentGone) this.#end();
        else await pause(delayMs);
      }
    }
    return false;
  }

  /** Until something can be stored again. */
  async #probe(): Promise<void> {
    for (let delayMs = RETRY_MS; !this.#isStopped && this.#state === "read-only"; delayMs *= 2) {
      await pause(Math.min(MAX_RETRY_MS, delayMs));
      const canStore = await this.record.probe().then(
        () => true,
        () => false,
      );
      // It may have failed again meanwhile; then another probe is under way.
      if (canStore && this.#state === "read-only") return this.#reopen();
    }
  }

  #reopen(): void {
    this.#state = "open";
    this.#tellStoring(true);
    for (const seat of this.seats.writers()) {
      seat.owes = true;
      this.#askLater(seat);
    }
  }

  #tellStoring(isStoring: boolean): void {
    if (this.seats.isStoring === isStoring) return;
    this.seats.isStoring = isStoring;
    for (const seat of this.seats.writers()) this.seats.tell(seat);
  }

  #end(): void {
    this.#state = "gone";
    this.#isStopped = true;
    this.#unfollowedMs = undefined;
    this.#stopFollowTimer();
    this.closeAll(COEDIT_CLOSE.deleted);
  }

  #dropOffers(): void {
    for (const { seat } of this.#offers) this.seats.deny(seat);
    this.#offers = [];
    this.#waitingBytes = 0;
  }
}
