// How many frames a client may still send: a bucket that fills with time.
import { FRAME_BURST, FRAMES_PER_SECOND } from "./model.ts";

export class Allowance {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #filledMs = 0;

  constructor(perSecond = FRAMES_PER_SECOND, burst = FRAME_BURST) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /** False when there is nothing left. */
  take(nowMs: number): boolean {
    const gained = this.#filledMs === 0 ? 0 : ((nowMs - this.#filledMs) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#burst, this.#left + gained) - 1;
    this.#filledMs = nowMs;
    return this.#left >= 0;
  }
}
