// Medians of a few runs, and how figures are written.

export interface Runs {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function summariseRuns(values: readonly number[]): Runs {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    least: at(0),
    most: at(sorted.length - 1),
  };
}

/** `25,300/s`; three significant figures, since the next ones change from run to run. */
export function perSecond(value: number): string {
  return `${Number(value.toPrecision(3)).toLocaleString("en")}/s`;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
