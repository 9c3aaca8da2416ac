// Whether two sets of samples can be told apart, and by how much.

export interface Comparison {
  readonly medianOne: number;
  readonly medianOther: number;
  /** Mann-Whitney: how many standard deviations the ranks are from those of two sets that are alike. */
  readonly z: number;
}

export function compareSamples(one: readonly number[], other: readonly number[]): Comparison {
  const all = [
    ...one.map((value) => ({ value, isOne: true })),
    ...other.map((value) => ({ value, isOne: false })),
  ];
  all.sort((a, b) => a.value - b.value);
  let rankSum = 0;
  let ties = 0;
  for (let from = 0; from < all.length; ) {
    let to = from + 1;
    while (to < all.length && all[to]?.value === all[from]?.value) to++;
    const rank = (from + 1 + to) / 2;
    for (const { isOne } of all.slice(from, to)) if (isOne) rankSum += rank;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  const [n, m] = [one.length, other.length];
  const total = n + m;
  const u = rankSum - (n * (n + 1)) / 2;
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))));
  return {
    medianOne: quantile(one, 0.5),
    medianOther: quantile(other, 0.5),
    z: (u - (n * m) / 2) / deviation,
  };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
