// Waiting for a fact instead of sleeping: asked again and again until it holds, with a deadline.

export interface UntilOptions {
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/** Returns the first value that is neither undefined nor false; after the deadline throws what it waited for. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { withinMs = 20_000, everyMs = 5 }: UntilOptions = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
