import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const output = JSON.stringify(join(import.meta.dir, "output.ts"));
const log = JSON.stringify(join(import.meta.dir, "log.ts"));

function run(code: string) {
  return Bun.spawn([process.execPath, "--no-env-file", "-e", code], { stdout: "pipe", stderr: "ignore" });
}

async function linesOf(code: string): Promise<string[]> {
  const text = await new Response(run(code).stdout).text();
  return text.split("\n").filter((line) => line !== "");
}

test("[TEL-6] lines arrive whole and in order, also those gathered when the process ends", async () => {
  const lines = await linesOf(`
    const { createLogOutput } = await import(${output});
    const out = createLogOutput(1);
    for (let n = 0; n < 20000; n++) out.write(n + " " + "x".repeat(100) + "\\n");
    process.exit(0);`);
  expect(lines.map((line) => Number(line.split(" ")[0]))).toEqual(
    Array.from({ length: 20_000 }, (_, n) => n),
  );
});

test("[TEL-6] a crash loses no line", async () => {
  const lines = await linesOf(`
    const { createLogger } = await import(${log});
    const log = createLogger({ level: "info", process: "p" });
    log.info({ n: 1 }, "before");
    setTimeout(() => { log.info({ n: 2 }, "just before"); throw new Error("crash"); }, 1);`);
  expect(lines.map((line) => JSON.parse(line).n)).toEqual([1, 2]);
});

test("[TEL-6] an error's line is there at once, without a turn of the event loop", async () => {
  const lines = await linesOf(`
    const { createLogger } = await import(${log});
    const log = createLogger({ level: "info", process: "p" });
    log.error({}, "last words");
    process.kill(process.pid, "SIGKILL");`);
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["last words"]);
});

test("[TEL-7] nobody reads: the process works on, and tells how many lines it dropped", async () => {
  const code = `
    const { createLogOutput } = await import(${output});
    const out = createLogOutput(1);
    for (let n = 0; n < 10000; n++) out.write("x".repeat(999) + "\\n");
    setTimeout(() => process.stderr.write("alive"), 100);
    process.stdin.resume();`;
  // The reader of the pipe waits for a line from us before it takes anything; the writer ends when our end is closed.
  const pipeline = 'exec 3<&0; "$BUN" --no-env-file -e "$CODE" <&3 | { read -r go < "$GO"; cat; }';
  const go = join(await mkdtemp(join(tmpdir(), "stoa-log-")), "go");
  spawnSync("mkfifo", [go]);
  const child = Bun.spawn(["sh", "-c", pipeline], {
    env: { ...process.env, BUN: process.execPath, CODE: code, GO: go },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const { value } = await child.stderr.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("alive");
  await writeFile(go, "go\n");
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!/"dropped":\d+.*\n/.test(text)) {
    const { value: bytes, done } = await reader.read();
    if (done) break;
    text += decoder.decode(bytes, { stream: true });
  }
  child.stdin.end();
  await child.exited;
  const lines = text.split("\n");
  const dropped = JSON.parse(lines.find((line) => line.includes("dropped")) ?? "{}").dropped;
  expect(dropped).toBeGreaterThan(5000);
  expect(lines.filter((line) => line.length === 999).length + dropped).toBe(10_000);
});
