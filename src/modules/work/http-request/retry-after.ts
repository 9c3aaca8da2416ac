// Retry-After (RFC 9110 section 10.2.3): seconds or a date.

/** Seconds from now; undefined when there is none that can be read. */
export function readRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const atMs = Date.parse(text);
  // Only the form of HTTP: Date.parse reads anything.
  if (!/ GMT$/.test(text) || Number.isNaN(atMs)) return undefined;
  return Math.max(0, (atMs - nowMs) / 1000);
}
