// What a caller gets while the circuit to a dependency is open.

/** The dependency is not called just now, as it has failed too often. A job that meets it is to wait, not to fail. */
export class CircuitOpenError extends Error {
  /** Until a call may be tried. */
  readonly retryAfterSeconds: number;
  constructor(retryAfterMs: number) {
    super("It has failed too often and is left alone for a while.");
    this.name = "CircuitOpenError";
    this.retryAfterSeconds = retryAfterMs / 1000;
  }
}
