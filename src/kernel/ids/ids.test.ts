import { expect, test } from "bun:test";
import { join } from "node:path";
import { isId, newId } from "./index.ts";

const timeOf = (id: string) => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

test("[IDS-1] in the order of their making, thousands a millisecond", () => {
  const ids = Array.from({ length: 50_000 }, () => newId());
  expect(ids.toSorted()).toEqual(ids);
});

test("[IDS-1] also with a clock that stands still or is set back", () => {
  const start = Date.now() + 60_000;
  const ids = [
    ...Array.from({ length: 10_000 }, () => newId(start)),
    ...Array.from({ length: 10_000 }, (_, n) => newId(start - n)),
    newId(start + 100),
  ];
  expect(ids.toSorted()).toEqual(ids);
});

test("[IDS-2] none twice, in one process and in several", () => {
  const program = `
    import { newId } from ${JSON.stringify(join(import.meta.dir, "index.ts"))};
    console.log(Array.from({ length: 50000 }, () => newId(${Date.now()})).join("\\n"));`;
  const runs = [1, 2].map(() =>
    Bun.spawnSync([process.execPath, "--no-env-file", "-e", program]).stdout.toString(),
  );
  const ids = [
    ...runs.flatMap((run) => run.trim().split("\n")),
    ...Array.from({ length: 100_000 }, () => newId()),
  ];
  expect(ids).toHaveLength(200_000);
  expect(new Set(ids).size).toBe(200_000);
});

test("[IDS-3] version, variant and time", () => {
  const now = Date.now() + 3_600_000;
  // In a process of its own: here other tests may have made ids of a later time.
  const program = `
    import { newId } from ${JSON.stringify(join(import.meta.dir, "index.ts"))};
    console.log(newId(${now}));`;
  const id = Bun.spawnSync([process.execPath, "--no-env-file", "-e", program]).stdout.toString().trim();
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(timeOf(id)).toBe(now);
  expect(isId(id)).toBe(true);
  const others = [
    id.toUpperCase(),
    id.replaceAll("-", ""),
    `{${id}}`,
    ` ${id}`,
    `${id}\n`,
    id.slice(1),
    "",
    "me",
  ];
  expect(others.filter(isId)).toEqual([]);
});
