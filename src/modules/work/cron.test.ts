import { expect, test } from "bun:test";
import { isTimeZone, nextTime, parseCron } from "./cron.ts";

/** The next times of an expression, one after the other. */
function times(text: string, zone: string, after: string, count = 1): string[] {
  const cron = parseCron(text);
  if (!cron) throw new Error(`${text} is no expression`);
  const found: string[] = [];
  for (let from: Date | undefined = new Date(after); from && found.length < count; ) {
    from = nextTime(cron, zone, from);
    found.push(from?.toISOString().replace(":00.000Z", "Z") ?? "never");
  }
  return found;
}

const CASES: readonly (readonly [string, string, string, readonly string[]])[] = [
  ["* * * * *", "UTC", "2026-01-01T00:00:30Z", ["2026-01-01T00:01Z", "2026-01-01T00:02Z"]],
  ["*/20 3 * * *", "UTC", "2026-01-01T03:30:00Z", ["2026-01-01T03:40Z", "2026-01-02T03:00Z"]],
  ["0 9 * * mon-fri", "Europe/Berlin", "2026-01-02T09:00:00Z", ["2026-01-05T08:00Z"]],
  ["30 6 1,15 * *", "America/New_York", "2026-07-01T12:00:00Z", ["2026-07-15T10:30Z", "2026-08-01T10:30Z"]],
  ["0 0 13 * fri", "UTC", "2026-02-01T00:00:00Z", ["2026-02-06T00:00Z", "2026-02-13T00:00Z"]],
  ["0 0 29 feb *", "UTC", "2026-01-01T00:00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
  ["0 12 * * 7", "Asia/Kolkata", "2026-01-01T00:00:00Z", ["2026-01-04T06:30Z"]],
  [
    "5/25 0 * * *",
    "UTC",
    "2026-01-01T00:00:00Z",
    ["2026-01-01T00:05Z", "2026-01-01T00:30Z", "2026-01-01T00:55Z"],
  ],
  ["@monthly", "UTC", "2026-01-31T00:00:00Z", ["2026-02-01T00:00Z"]],
  ["0 0 30 feb *", "UTC", "2026-01-01T00:00:00Z", ["never"]],
];
for (const [text, zone, after, expected] of CASES) {
  test(`[WRK-19] ${text} in ${zone} after ${after}`, () => {
    expect(times(text, zone, after, expected.length)).toEqual([...expected]);
  });
}

test("[WRK-19] a time that the clocks skip is made up for an hour later, once", () => {
  // In Berlin 02:00 to 03:00 of 29 March 2026 is not there.
  expect(times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2)).toEqual([
    "2026-03-29T01:30Z",
    "2026-03-30T00:30Z",
  ]);
  expect(times("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3)).toEqual([
    "2026-03-29T00:30Z",
    "2026-03-29T01:30Z",
    "2026-03-29T02:30Z",
  ]);
});

test("[WRK-19] all that the clocks skip is made up for, also by steps and by half an hour", () => {
  expect(times("*/15 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 5)).toEqual([
    "2026-03-29T01:00Z",
    "2026-03-29T01:15Z",
    "2026-03-29T01:30Z",
    "2026-03-29T01:45Z",
    "2026-03-30T00:00Z",
  ]);
  // On Lord Howe the clocks go half an hour forward at 02:00 of 4 October 2026.
  expect(times("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2)).toEqual([
    "2026-10-03T15:45Z",
    "2026-10-04T15:15Z",
  ]);
  // In Cairo midnight itself is skipped.
  expect(times("0 0 * * *", "Africa/Cairo", "2026-04-22T23:00:00Z", 2)).toEqual([
    "2026-04-23T22:00Z",
    "2026-04-24T21:00Z",
  ]);
});

test("[WRK-19] the next time is after the one given, never it", () => {
  for (const after of ["2026-01-01T06:30:00Z", "2026-01-01T06:30:59.999Z"]) {
    expect(times("30 6 * * *", "UTC", after)).toEqual(["2026-01-02T06:30Z"]);
  }
  expect(times("30 6 * * *", "UTC", "2026-01-01T06:29:59.999Z")).toEqual(["2026-01-01T06:30Z"]);
});

test("[WRK-19] a time that the clocks show twice is taken once, every hour both times", () => {
  // In Berlin 02:00 to 03:00 of 25 October 2026 is there twice.
  expect(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)).toEqual([
    "2026-10-25T00:30Z",
    "2026-10-26T01:30Z",
  ]);
  expect(times("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 3)).toEqual([
    "2026-10-25T00:30Z",
    "2026-10-25T01:30Z",
    "2026-10-25T02:30Z",
  ]);
});

for (const text of [
  "",
  "* * * *",
  "* * * * * *",
  "60 * * * *",
  "* 24 * * *",
  "* * 0 * *",
  "* * * 13 *",
  "a * * * *",
]) {
  test(`[WRK-19] “${text}” is no expression`, () => {
    expect(parseCron(text)).toBeUndefined();
  });
}
for (const text of ["5-1 * * * *", "*/0 * * * *", "1- * * * *", ", * * * *", "* * * * 8", "-1 * * * *"]) {
  test(`[WRK-19] “${text}” is none either`, () => {
    expect(parseCron(text)).toBeUndefined();
  });
}

test("[WRK-19] time zones are known by their names", () => {
  expect(["Europe/Berlin", "UTC", "Asia/Tokyo"].map(isTimeZone)).toEqual([true, true, true]);
  expect(["", "Mars/Olympus", "Berlin time"].map(isTimeZone)).toEqual([false, false, false]);
});
