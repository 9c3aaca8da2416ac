// How many frames a client may still send: a bucket that fills with time.
import { FRAME_BURST, FRAMES_PER_SECOND } from "./model.ts";

export class Allowance {
  #left = FRAME_BURST;
  #filledMs = 0;

  /** False when there is nothing left. */
  take(nowMs: number): boolean {
    const gained = this.#filledMs === 0 ? 0 : ((nowMs - this.#filledMs) / 1000) * FRAMES_PER_SECOND;
    this.#left = Math.min(FRAME_BURST, this.#left + gained) - 1;
    this.#filledMs = nowMs;
    return this.#left >= 0;
  }
}
