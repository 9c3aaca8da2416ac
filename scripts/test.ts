// `npm test`: the tests in some processes side by side, since most of their time is waiting; with arguments, those that are named.
import { availableParallelism } from "node:os";

const TIMEOUT_MS = 60_000;
const SHARDS = availableParallelism() > 1 ? 3 : 1;
const [, , ...wanted] = process.argv;

// Not process.exit: it would cut off what a pipe has not taken yet.
process.exitCode = wanted.length > 0 || SHARDS === 1 ? await runAll(wanted) : await runShards();

function command(rest: readonly string[]): string[] {
  return [process.execPath, "--no-env-file", "test", "--timeout", String(TIMEOUT_MS), ...rest];
}

async function runAll(paths: readonly string[]): Promise<number> {
  return Bun.spawn(command(paths), { stdio: ["inherit", "inherit", "inherit"] }).exited;
}

/** The first is shown while it runs, the others after it. */
async function runShards(): Promise<number> {
  const shards = Array.from({ length: SHARDS }, (_, index) => {
    const child = Bun.spawn(command([`--shard=${index + 1}/${SHARDS}`]), {
      stdin: "ignore",
      stdout: index === 0 ? "inherit" : "pipe",
      stderr: index === 0 ? "inherit" : "pipe",
    });
    return {
      child,
      output: index === 0 ? undefined : Promise.all([textOf(child.stdout), textOf(child.stderr)]),
    };
  });
  let code = 0;
  for (const { child, output } of shards) {
    const texts = await output;
    if (texts) for (const text of texts) await Bun.write(Bun.stderr, text);
    code ||= await child.exited;
  }
  return code;
}

function textOf(stream: ReadableStream<Uint8Array> | number | undefined): Promise<string> {
  return stream instanceof ReadableStream ? new Response(stream).text() : Promise.resolve("");
}
