// How many jobs a peer takes in a second.

/** Keeps so many calls under way; returns jobs a second, as each call says how many it has added. */
export async function forAWhile(ms, callers, call) {
  const startedMs = performance.now();
  let count = 0;
  const one = async () => {
    while (performance.now() - startedMs < ms) {
      const added = await call();
      count += added;
    }
  };
  await Promise.all(Array.from({ length: callers }, one));
  return (count * 1000) / (performance.now() - startedMs);
}
