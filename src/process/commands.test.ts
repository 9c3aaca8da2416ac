import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram, startServer } from "../testing/process.ts";
import { isRunning, processesOn } from "../testing/processes.ts";
import { until } from "../testing/until.ts";

setDefaultTimeout(60_000);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "stoa-commands-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a command prints that ends well. */
async function output(words: string[], environment: Record<string, string> = {}): Promise<string> {
  const program = runProgram(words, { directory, environment });
  expect(await program.ended).toBe(0);
  expect(program.stderr()).toBe("");
  return program.stdout();
}

test("[PROC-10] migrate says what it applied, and the second time that there was nothing", async () => {
  const environment = { DATA_DIR: "data", LOG_LEVEL: "silent" };
  const applied = (await output(["migrate"], environment)).trim().split("\n");
  expect(applied).toContain("applied events/0001_events");
  expect(applied).toContain("applied accounts/0001_accounts");
  expect(await output(["migrate"], environment)).toBe("The database's tables were up to date.\n");
  expect(processesOn(join(directory, "data"))).toEqual([]);
});

test("[PROC-10] config shows each value and its source, secrets masked", async () => {
  writeFileSync(join(directory, ".env"), "MAX_JOB_RETRIES=5\n");
  const key = Buffer.alloc(32, 7).toString("base64");
  const lines = (await output(["config"], { SECRET_KEY: key }))
    .split("\n")
    .map((line) => line.split(/\s{2,}/));
  expect(lines).toContainEqual(["MAX_JOB_RETRIES", "5", ".env"]);
  expect(lines).toContainEqual(["SECRET_KEY", "********", "environment"]);
  expect(lines).toContainEqual(["LOG_LEVEL", "info", "default"]);
  rmSync(join(directory, ".env"));
});

test("[PROC-10] openapi prints the description, and needs no database", async () => {
  const description = JSON.parse(await output(["openapi"], { DATA_DIR: "/nowhere" })) as Record<
    string,
    unknown
  >;
  expect(description.openapi).toStartWith("3.1");
  expect(Object.keys(description.paths ?? {})).toContain("/api/v1/auth/signup");
});

test("[ACC-103] keys rotate works on a database at rest, and beside a running server, which publishes the key", async () => {
  const environment = { DATA_DIR: "rotated", LOG_LEVEL: "silent" };
  const SENTENCE = /^Key ([\w-]{43}) signs from \d{4}-\d\d-\d\dT[\d:.]+Z\.\n$/;
  const rotate = async () => SENTENCE.exec(await output(["keys", "rotate"], environment))?.[1] ?? "";
  const first = await rotate();
  expect(first).not.toBe("");
  expect(processesOn(join(directory, "rotated"))).toEqual([]);

  const server = await startServer({ directory, dataDir: join(directory, "rotated") });
  const listKeys = async () => {
    // RFC 7517: a JWK set.
    const { keys } = (await (await fetch(`${server.address}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[];
    };
    return keys.map(({ kid }) => kid);
  };
  expect(await listKeys()).toContain(first);
  // It waits still, so no other is made; the server has not been disturbed.
  expect(await rotate()).toBe(first);
  expect(await listKeys()).toHaveLength(2);
  server.kill("SIGTERM");
  expect(await server.ended).toBe(0);
});

test("[PROC-10] --help and --version", async () => {
  const help = await output(["--help"]);
  for (const word of ["start", "migrate", "config", "openapi", "--role worker", "keys rotate"])
    expect(help).toContain(word);
  for (const words of [["help"], ["-h"], ["start", "--help"], ["config", "-h"]])
    expect(await output(words)).toBe(help);
  const { version } = JSON.parse(readFileSync(join(import.meta.dir, "../../package.json"), "utf8"));
  expect(await output(["--version"])).toBe(`${version}\n`);
});

test("[PROC-12] SIGTERM to npm stops the server, and so does Ctrl-C, which reaches both", async () => {
  for (const target of ["npm", "group"] as const) {
    const dataDir = join(directory, target);
    const npm = spawn("npm", ["start"], {
      cwd: join(import.meta.dir, "../.."),
      env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: "0", DATA_DIR: dataDir },
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    let stdout = "";
    npm.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    const ended = new Promise((resolve) => npm.once("close", resolve));
    await until("the ready line", () => stdout.includes("Stoa is ready"), { withinMs: 45_000 });
    const pids = processesOn(dataDir).map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThan(3);
    if (target === "npm") npm.kill("SIGTERM");
    else process.kill(-(npm.pid ?? 0), "SIGINT");
    // Its output ends when the last process that writes to it has ended.
    await ended;
    expect(stdout).toContain("stopped");
    expect(pids.filter(isRunning)).toEqual([]);
  }
});
