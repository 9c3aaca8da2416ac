import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ProgramOptions,
  type RunningServer,
  removeServer,
  removeTemplate,
  runProgram,
  startServer,
} from "../testing/process.ts";

setDefaultTimeout(60_000);

const KEY = Buffer.alloc(32, 7).toString("base64");
let server: RunningServer;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "stoa-refusals-"));
  server = await startServer();
});
afterAll(async () => {
  await removeServer(server);
  await removeTemplate();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs the program, which must refuse: returns its sentence. */
async function refusal(words: string[], options: ProgramOptions = {}): Promise<string> {
  const program = runProgram(words, options);
  expect(await program.ended).toBe(1);
  // Log lines of PostgreSQL may stand on stdout; stderr holds the sentence alone.
  const [sentence, ...rest] = program.stderr().split("\n");
  expect(rest).toEqual([""]);
  return sentence ?? "";
}

const data = (name: string) => join(directory, name);

test("[PROC-4] a port in use", async () => {
  const port = new URL(server.address).port;
  const sentence = `Port ${port} is in use by another program: stop that one, or set PORT.`;
  expect(await refusal(["start"], { environment: { DATA_DIR: data("port"), PORT: port } })).toBe(sentence);
  const shared = { DATA_DIR: data("port"), PORT: port, WEB_PROCESSES: "2" };
  expect(await refusal(["start"], { environment: shared })).toBe(sentence);
});

test("[PROC-4] an address that is not ours", async () => {
  expect(await refusal(["start"], { environment: { DATA_DIR: data("host"), HOST: "192.0.2.7" } })).toBe(
    "This machine has no address 192.0.2.7: set HOST to one it has, or 0.0.0.0 for all.",
  );
});

test("[PROC-4] a data directory in use", async () => {
  expect(await refusal(["start"], { environment: { DATA_DIR: server.dataDir } })).toBe(
    `The data directory ${server.dataDir} is in use by process ${server.pid}: stop that one first, or set another DATA_DIR.`,
  );
});

test("[PROC-4] a data directory of another major version", async () => {
  mkdirSync(data("old/postgres"), { recursive: true });
  writeFileSync(data("old/postgres/PG_VERSION"), "16\n");
  expect(await refusal(["start"], { environment: { DATA_DIR: data("old") } })).toStartWith(
    `The database in ${data("old")}/postgres was made by PostgreSQL 16 and this is PostgreSQL 18: `,
  );
});

test("[PROC-4] a database without its secret key", async () => {
  mkdirSync(data("keyless"), { recursive: true });
  const environment = { DATA_DIR: data("keyless"), SECRET_KEY: KEY };
  const made = runProgram(["migrate"], { environment });
  expect(await made.ended).toBe(0);
  expect(await refusal(["start"], { environment: { DATA_DIR: data("keyless") } })).toBe(
    `${data("keyless")}/secret.key is missing and the database beside it was written with it: put the file back, or set SECRET_KEY to what it held.`,
  );
});

const SECRET = { SECRET_KEY: KEY };
test.each([
  [
    "an unreachable database",
    { DATABASE_URL: "postgres://me:s3cret@127.0.0.1:1/x", ...SECRET },
    "The database at 127.0.0.1:1 cannot be reached: check it and DATABASE_URL.",
  ],
  [
    "no SECRET_KEY with DATABASE_URL",
    { DATABASE_URL: "postgres://me:s3cret@127.0.0.1:1/x" },
    "SECRET_KEY is required with DATABASE_URL: set it to the output of `openssl rand -base64 32` and keep it.",
  ],
  ["a bad value", { PORT: "eighty" }, 'PORT must be a whole number from 0 to 65535; it is "eighty".'],
] as [string, Record<string, string>, string][])("[PROC-4] %s", async (_, environment, sentence) => {
  for (const command of ["start", "migrate"])
    expect(await refusal([command], { environment })).toBe(sentence);
});

test.each([
  [[], "A command is missing: try start, or --help for all of them."],
  [["stat"], 'There is no command "stat": --help lists them.'],
  [["start", "--rolle", "web"], 'start has no option "--rolle": --help lists what there is.'],
  [["start", "--role"], "--role takes web or worker."],
  [["start", "--role", "cook"], '--role takes web or worker, not "cook".'],
  [["start", "--role="], '--role takes web or worker, not "".'],
  [["start", "--lanes", "urgent"], "--lanes is for start --role worker."],
  [
    ["start", "--role=worker", "--lanes=urgent,fast"],
    '--lanes takes some of urgent, high, normal and low, with commas, not "fast".',
  ],
  [["start", "--supervised"], "--supervised is for children that the server has started: leave it out."],
  [["keys"], "keys takes rotate."],
  [["search"], "search takes verify."],
  [["search", "verify", "now"], "search verify takes --project and the id of one."],
  [["keys", "rotate", "now"], 'keys rotate has no option "now".'],
  [["migrate", "now"], 'migrate has no option "now".'],
] as [string[], string][])("[PROC-4] the words %j", async (words, sentence) => {
  expect(await refusal(words)).toBe(sentence);
});
