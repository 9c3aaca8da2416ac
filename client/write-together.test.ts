// docs/write-together.md, run as printed against a server.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Person, signUp } from "../src/testing/requests.ts";
import { openServed, type ServedApplication } from "../src/testing/served.ts";
import { until } from "../src/testing/until.ts";

const PAGE = join(import.meta.dir, "../docs/write-together.md");
let server: ServedApplication;
let ada: Person;
let directory: string;
beforeAll(async () => {
  server = await openServed();
  ada = await signUp(server);
  directory = await mkdtemp(join(tmpdir(), "stoa-page-"));
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

/** What the examples use of their reader, as far as they do. */
class TextArea extends EventTarget {
  value = "";
}

interface Given {
  readonly postId: string;
  readonly currentToken: () => string;
  readonly show: (text: string) => void;
  readonly area: TextArea;
  /** Called between two examples; they are numbered from 0. */
  readonly after: (example: number) => Promise<void>;
}

/** A function of all examples, with the modules that they import. */
async function load(): Promise<(given: Given) => Promise<void>> {
  const page = await readFile(PAGE, "utf8");
  const examples = [...page.matchAll(/^```ts run\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
  expect(examples.length).toBe([...page.matchAll(/^```\w/gm)].length);
  const imports: string[] = [];
  const steps = examples.map((example, index) => {
    const rest = example.replace(/^import (.*) from "(.*)";.*$/gm, (_, names, from) => {
      const path =
        from === "@stoa/client/coedit" ? join(import.meta.dir, "coedit.ts") : import.meta.resolve(from);
      imports.push(`import ${names} from "${path}";`);
      return "";
    });
    return `${rest}\nawait after(${index});`;
  });
  const port = `127.0.0.1:${server.port}`;
  const code = `${imports.join("\n")}
export async function run({ postId, currentToken, show, area, after }) {
${steps.join("\n")}
}`
    .replaceAll("https://stoa.example.org", `http://${port}`)
    .replaceAll("wss://stoa.example.org", `ws://${port}`);
  const path = join(directory, "page.ts");
  await Bun.write(path, code);
  // Written right here.
  return ((await import(path)) as { run: (given: Given) => Promise<void> }).run;
}

test("the examples of docs/write-together.md run as printed, and do what the page says", async () => {
  const created = await ada.call("POST", "/posts", { title: "A", body: "Hello.\n" });
  const postId = String(created.body.id);
  const shown: string[] = [];
  const area = new TextArea();
  const bodyIs = (wanted: string) =>
    until(
      `the body “${wanted}”`,
      async () => (await ada.call("GET", `/posts/${postId}`)).body.body === wanted,
    );
  const checks: (() => unknown)[] = [
    () => until("to be connected", () => shown.includes("saved")),
    async () => {
      await until("the text", () => area.value === "Hello.\n");
      area.value = "Hello, Ben.\n";
      area.dispatchEvent(new Event("input"));
    },
    () => bodyIs("Hello, Ben.\nThe last line."),
    () => {},
    async () => {
      await bodyIs("Dear all,\nHello, Ben.\nThe last line.");
      await until("who is there", () => shown.includes(`here: ${ada.userId} at 10`));
    },
    async () => {
      expect(shown.at(-1)).toBe("200");
      await until("the change", () => area.value === "Dear all,\nHello, Ben.\nThe very last line.");
    },
    () => expect(shown.filter((text) => text === "offline").length).toBeGreaterThan(1),
  ];
  const run = await load();
  const after = async (example: number) => void (await checks[example]?.());
  await run({ postId, currentToken: () => ada.token, show: (text) => shown.push(text), area, after });
  expect(shown).toContain("saving");
});
