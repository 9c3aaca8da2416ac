// The seats of a document on this process: who is connected, what each may do, what each still owes, and what each is told.
import type { Closing } from "../live/index.ts";
import { changeFrame, deniedFrame, storedFrame, vectorFrame, writeStateFrame } from "./frames.ts";
import { COEDIT_CLOSE, REFUSALS, type WriteState } from "./model.ts";
import type { Verdict } from "./thread/index.ts";

/** A connection, as its document sees it. */
export interface Member {
  readonly connectionId: string;
  readonly userId: string;
  /** It wants to be told which of its updates are stored. */
  readonly wantsReceipts: boolean;
  /** Its address holds a token: plain clients write the address to their log when they are refused aloud. */
  readonly hasTokenInAddress: boolean;
  send(frame: Uint8Array): void;
  close(closing: Closing): void;
}

export interface Seat {
  readonly member: Member;
  /** Undefined before it is admitted. */
  writeState: WriteState | undefined;
  /** Updates that have come. */
  received: number;
  /** Of its unreadable updates. */
  strikes: number;
  /** Our state vector is on its way to it; the answer will have all that we miss. */
  isAsked: boolean;
  /** Something of it was not taken: until its answer is, nothing is said to be stored. */
  owes: boolean;
  deniedMs: number;
}

const DENY_EVERY_MS = 1_000;
const MAX_STRIKES = 5;

export class Seats {
  readonly #seats = new Map<Member, Seat>();
  /** False while what is written cannot be stored. */
  isStoring = true;

  get size(): number {
    return this.#seats.size;
  }

  all(): readonly Seat[] {
    return [...this.#seats.values()];
  }

  find(member: Member): Seat | undefined {
    return this.#seats.get(member);
  }

  writers(): readonly Seat[] {
    return this.all().filter(({ writeState }) => writeState?.can_write);
  }

  enter(member: Member): void {
    this.#seats.set(member, {
      member,
      writeState: undefined,
      received: 0,
      strikes: 0,
      isAsked: false,
      owes: false,
      deniedMs: Number.NEGATIVE_INFINITY,
    });
  }

  leave(member: Member): Seat | undefined {
    const seat = this.#seats.get(member);
    this.#seats.delete(member);
    return seat;
  }

  /** Whether it may write from now on and might not before: then it is to be asked for what we miss. */
  admit(seat: Seat, allowed: WriteState): boolean {
    const before = seat.writeState;
    seat.writeState = allowed;
    if (before?.can_write === allowed.can_write) return false;
    // Who may write from the start takes it for granted.
    if (before || !allowed.can_write || !this.isStoring) this.tell(seat);
    return allowed.can_write;
  }

  relay(changes: readonly Uint8Array[]): void {
    for (const change of changes) {
      const frame = changeFrame(change);
      for (const { member, writeState } of this.#seats.values()) if (writeState) member.send(frame);
    }
  }

  ask(seat: Seat, vector: Uint8Array): void {
    if (!this.#seats.has(seat.member)) return;
    seat.isAsked = true;
    seat.member.send(vectorFrame(vector));
  }

  /** Says whether it can write. */
  tell(seat: Seat): void {
    const shown = this.#shown(seat);
    if (shown) seat.member.send(writeStateFrame(shown));
  }

  /** Said aloud to plain clients too, but not at each key. */
  deny(seat: Seat): void {
    seat.owes = true;
    const nowMs = performance.now();
    if (nowMs - seat.deniedMs < DENY_EVERY_MS) return;
    seat.deniedMs = nowMs;
    const shown = this.#shown(seat);
    if (!shown || shown.can_write) return;
    const { member } = seat;
    member.send(member.hasTokenInAddress ? writeStateFrame(shown) : deniedFrame(REFUSALS[shown.code]));
  }

  /** What became of an update. True when its sender must be asked for what we miss. */
  settle(
    seat: Seat,
    update: { readonly number: number; readonly isAnswer: boolean },
    verdict: Verdict,
  ): boolean {
    const { member } = seat;
    if (!this.#seats.has(member)) return false;
    if (update.isAnswer) seat.isAsked = false;
    if (verdict === "taken") {
      if (update.isAnswer) seat.owes = false;
      if (member.wantsReceipts && !seat.owes) member.send(storedFrame(update.number));
      return false;
    }
    seat.owes = true;
    if (verdict === "update_too_large") member.close(COEDIT_CLOSE.updateTooLarge);
    else if (verdict === "document_too_large") member.close(COEDIT_CLOSE.documentTooLarge);
    else if (verdict === "unreadable" && (update.isAnswer || ++seat.strikes > MAX_STRIKES)) {
      member.close(COEDIT_CLOSE.badUpdate);
    } else {
      // An answer with gaps waits for the next reminder: what it builds on is with somebody else.
      return !update.isAnswer && !seat.isAsked;
    }
    return false;
  }

  #shown({ writeState }: Seat): WriteState | undefined {
    return writeState?.can_write && !this.isStoring ? { can_write: false, code: "NOT_STORED" } : writeState;
  }
}
