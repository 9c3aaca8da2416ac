// The tour in the README, run as printed against a server started as the README says.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./testing/until.ts";

const ROOT = join(import.meta.dir, "..");
const READY_TIMEOUT_MS = 50_000;
const TOUR_TIMEOUT_MS = 60_000;

let dataDir: string;
let server: Bun.Subprocess<"ignore", "pipe", "inherit">;
let address: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "stoa-tour-"));
  const { PATH, HOME, TMPDIR } = process.env;
  server = Bun.spawn([process.execPath, "--no-env-file", "src/main.ts", "start"], {
    cwd: ROOT,
    env: { PATH, HOME, TMPDIR, PORT: "0", DATA_DIR: dataDir },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  address = await untilReady();
});

afterAll(async () => {
  server.kill("SIGTERM");
  await server.exited;
  await rm(dataDir, { recursive: true, force: true });
});

test(
  "[ARC-27] the README's tour runs as printed",
  async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const blocks = [...readme.matchAll(/^```sh tour\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
    expect(blocks.length).toBeGreaterThan(3);
    const script = blocks.join("\n").replaceAll("http://localhost:8000", address);

    const { PATH } = process.env;
    const run = spawnSync("bash", ["-euo", "pipefail", "-c", script], {
      encoding: "utf8",
      env: { PATH },
      timeout: TOUR_TIMEOUT_MS,
    });

    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    const answers = run.stdout.trim().split("\n").map(parseLine);
    expect(answers).toEqual([
      expect.objectContaining({ user: expect.objectContaining({ email: "ada@example.com" }) }),
      expect.objectContaining({ status: "succeeded" }),
      expect.objectContaining({ word: "whale", items: expect.any(Array) }),
      expect.objectContaining({ did_you_mean: "whale", is_fuzzy: true, total_count: 2 }),
      expect.objectContaining({ words: expect.any(Array) }),
      expect.objectContaining({ items: expect.any(Array), seq: expect.any(Number) }),
    ]);
    expect(answers[2]?.items?.map((item) => item.count)).toEqual([2, 1]);
    expect(answers[4]?.words?.[0]).toMatchObject({ word: "whale", count: 3, source: "wordnet" });
    const events = answers[5]?.items ?? [];
    expect(events.map((item) => item.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.map((item) => item.event)).toContain("paragraphs.created");
    expect(events.map((item) => item.event)).toContain("paragraphs.analysed");
  },
  TOUR_TIMEOUT_MS,
);

interface Answer {
  readonly items?: readonly { readonly count?: number; readonly seq?: number; readonly event?: string }[];
  readonly words?: readonly unknown[];
}

function parseLine(line: string): Answer {
  // The fields looked at are checked by the expectations.
  return JSON.parse(line) as Answer;
}

/** The address that the line tells which says that it is ready. What comes after it is read too, or the server would wait. */
async function untilReady(): Promise<string> {
  let output = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of server.stdout) output += decoder.decode(bytes, { stream: true });
  })();
  void reading.catch(() => {});
  return until(
    "the server to be ready",
    () => {
      if (server.exitCode !== null) throw new Error(`the server ended with exit code ${server.exitCode}`);
      return output.match(/^Stoa.* is ready.*?(https?:\/\/\S+)/m)?.[1];
    },
    { withinMs: READY_TIMEOUT_MS, everyMs: 20 },
  );
}
