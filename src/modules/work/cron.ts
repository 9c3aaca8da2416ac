// Cron expressions: five fields, and when one is due next on the clocks of a time zone.

export interface Cron {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
  /** As in every cron: where day and weekday are both given, either will do. */
  readonly isEitherDay: boolean;
  readonly isHourly: boolean;
}

const SHORT: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
};
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Long enough for the 29th of February around 2100. */
const MAX_DAYS = 3_000;

/** Undefined for what is no expression. */
export function parseCron(text: string): Cron | undefined {
  const fields = (SHORT[text.trim().toLowerCase()] ?? text).trim().toLowerCase().split(/\s+/);
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  const minutes = parseField(minute, 0, 59);
  const hours = parseField(hour, 0, 23);
  const days = parseField(day, 1, 31);
  const months = parseField(month, 1, 12, MONTHS);
  const weekdays = parseField(weekday, 0, 7, WEEKDAYS);
  if (fields.length !== 5 || !minutes || !hours || !days || !months || !weekdays) return undefined;
  if (weekdays.has(7)) weekdays.add(0);
  const isEitherDay = !day.startsWith("*") && !weekday.startsWith("*");
  return { minutes, hours, days, months, weekdays, isEitherDay, isHourly: hours.size === 24 };
}

function parseField(
  text: string,
  min: number,
  max: number,
  names: readonly string[] = [],
): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (!match) return undefined;
    const [, star, first = "", last, every] = match;
    const from = star ? min : toNumber(first, min, names);
    // A step behind a single value counts from there to the end.
    const to =
      star || (last === undefined && every !== undefined) ? max : toNumber(last ?? first, min, names);
    const step = every === undefined ? 1 : Number(every);
    if (!(from >= min && from <= to && to <= max && step >= 1)) return undefined;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values;
}

/** NaN for what is neither number nor name. */
function toNumber(text: string, min: number, names: readonly string[]): number {
  const place = names.indexOf(text);
  if (place >= 0) return place + min;
  return /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/**
 * The first time after `after` that fits. A time that the clocks skip in spring is made up for an hour later; one that they
 * show twice in autumn is taken once, but by what runs every hour twice. Undefined when there is none for eight years.
 */
export function nextTime(cron: Cron, timeZone: string, after: Date): Date | undefined {
  const zone = createZone(timeZone);
  const afterMs = Math.floor(after.getTime() / MINUTE_MS) * MINUTE_MS;
  const localMs = zone.toLocal(afterMs);
  const today = Math.floor(localMs / DAY_MS) * DAY_MS;
  // From the day before: the local time may have gone back since.
  for (let day = -1; day <= MAX_DAYS; day++) {
    const dayMs = today + day * DAY_MS;
    if (!fitsDay(cron, new Date(dayMs))) continue;
    let best: number | undefined;
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        for (const ms of zone.toInstants(dayMs + hour * HOUR_MS + minute * MINUTE_MS, cron.isHourly)) {
          if (ms > afterMs && (best === undefined || ms < best)) best = ms;
        }
      }
    }
    if (best !== undefined) return new Date(best);
  }
  return undefined;
}

function fitsDay(cron: Cron, date: Date): boolean {
  if (!cron.months.has(date.getUTCMonth() + 1)) return false;
  const [fitsDate, fitsWeekday] = [cron.days.has(date.getUTCDate()), cron.weekdays.has(date.getUTCDay())];
  return cron.isEitherDay ? fitsDate || fitsWeekday : fitsDate && fitsWeekday;
}

/** Local times are written as the milliseconds that UTC would have if its clocks showed the same. */
interface Zone {
  toLocal(ms: number): number;
  toInstants(localMs: number, isEach: boolean): number[];
}

function createZone(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  /** By whole days around a local time: clocks change at most once between two of them. */
  const offsets = new Map<number, number>();

  function toLocal(ms: number): number {
    const parts = Object.fromEntries(
      format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute);
  }

  function offsetAt(ms: number): number {
    const known = offsets.get(ms);
    if (known !== undefined) return known;
    const offset = toLocal(ms) - ms;
    offsets.set(ms, offset);
    return offset;
  }

  return {
    toLocal,
    toInstants(localMs, isEach) {
      const dayMs = Math.floor(localMs / DAY_MS) * DAY_MS;
      const [before, after] = [offsetAt(dayMs - DAY_MS), offsetAt(dayMs + 2 * DAY_MS)];
      if (before === after) return [localMs - before];
      const shown = [...new Set([localMs - before, localMs - after])]
        .filter((ms) => toLocal(ms) === localMs)
        .sort((a, b) => a - b);
      // What runs every hour needs no making up: the hour after is its own.
      if (shown.length === 0) return isEach ? [] : [localMs - before];
      return isEach ? shown : shown.slice(0, 1);
    },
  };
}
