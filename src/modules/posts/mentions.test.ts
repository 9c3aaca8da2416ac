import { expect, test } from "bun:test";
import { listHandles, resolveHandles } from "./mentions.ts";

const handles = (body: string) => [...listHandles(body)];

test("[PST-16] a name after @ is a mention, in whatever stands around it", () => {
  const cases: [body: string, handles: string[]][] = [
    ["@ada", ["ada"]],
    ["Ask @Ada, (@Ben) and **@cleo**.", ["ada", "ben", "cleo"]],
    ["@ada.lovelace: @Ada-Lovelace @ada_lovelace @AdaLovelace", ["adalovelace"]],
    ["@ada. @ada! @ada's", ["ada", "adas"]],
    ["@Zoë @王芳 @ﬁona", ["zoë", "王芳", "fiona"]],
    ["> @ada\n\n- @ben", ["ada", "ben"]],
  ];
  for (const [body, expected] of cases) expect([body, handles(body)]).toEqual([body, expected]);
});

test("[PST-16] addresses, paths and code mention nobody", () => {
  const none = [
    "ada@example.org",
    "@ ada @",
    "@@ada",
    "https://example.org/@ada",
    "`@ada` and `x @ben`",
    "```\n@ada\n```",
    "~~~ts\n@Component\n~~~",
    "````\n```\n@ada\n````",
    `@${"a".repeat(65)}`,
  ];
  for (const body of none) expect([body, handles(body)]).toEqual([body, []]);
  expect(handles("```\n@ada\n```\n@ben")).toEqual(["ben"]);
});

test("[PST-16] a list of names is cut off, and takes no time", () => {
  expect(handles(Array.from({ length: 1_000 }, (_, number) => `@user${number}`).join(" "))).toHaveLength(100);
  const started = performance.now();
  for (const text of ["@", "@a", "`@", "``` @", "@a.", "a@"]) handles(text.repeat(300_000));
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("[PST-16] a name means members: by id, whole name, or first word if one alone has it", () => {
  const members = [
    { id: "0190a000-0000-7000-8000-000000000001", name: "Ada Lovelace" },
    { id: "0190a000-0000-7000-8000-000000000002", name: "Ada Byron" },
    { id: "0190a000-0000-7000-8000-000000000003", name: "Ben O’Hara-Smith" },
    { id: "0190a000-0000-7000-8000-000000000004", name: "Cleo" },
    { id: "0190a000-0000-7000-8000-000000000005", name: "cleo" },
    { id: "0190a000-0000-7000-8000-000000000006", name: null },
  ];
  const cases: [body: string, members: number[]][] = [
    ["@AdaLovelace", [1]],
    ["@ada", []],
    ["@ben", [3]],
    ["@ben.ohara.smith @Ben_O'Hara-Smith", [3]],
    ["@cleo", [4, 5]],
    ["@0190a000-0000-7000-8000-000000000006", [6]],
    ["@nobody @null", []],
  ];
  for (const [body, expected] of cases) {
    const found = [...resolveHandles(listHandles(body), members)].map((id) => Number(id.at(-1)));
    expect([body, found]).toEqual([body, expected]);
  }
});
