// `npm run test:search [-- --minutes 2 --seed 1]`: first pages are read while 500 paragraphs a second arrive and others are deleted,
// then search while workers are killed in the midst of folding, merging and rebuilding; afterwards nothing may be missing, and the
// index must be what its paragraphs say.
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { type Chance, createChance } from "../src/testing/chance.ts";
import {
  type RunningServer,
  removeServer,
  removeTemplate,
  runProgram,
  startServer,
} from "../src/testing/process.ts";
import { type Answering, type Person, signUp } from "../src/testing/requests.ts";
import { until } from "../src/testing/until.ts";
import { stream } from "./search/stream.ts";

const WORDS = ["whale", "whales", "sea", "the", "ship", "数据库", "библиотека", "running"];
/** In every paragraph, so that all of them can be counted. */
const MARK = "leviathan";
const BATCH = 100;
const WRITE_EVERY_MS = 80;
const SETTLE_MS = 120_000;
/** Up to the end of an import of so many, the first segments are merged several times. */
const KILL_EVERY_MS = 3_000;

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "2" },
      seed: { type: "string", default: String(randomBytes(4).readUInt32BE()) },
    },
  });
  const chance = createChance("search chaos", Number(values.seed));
  const durationMs = (Number(values.minutes) * 60_000) / 2;
  const results = await withServer(async (server) => {
    const steady = await streamSteadily(server, chance, durationMs);
    return { ...steady, "killed workers": await run(server, chance, durationMs) };
  });
  for (const [name, problems] of Object.entries(results)) {
    console.log(`(${problems.length === 0 ? "pass" : "fail"}) ${name}`);
    for (const problem of problems.slice(0, 10)) console.log(`  ${problem}`);
  }
  const failed = Object.values(results).filter((problems) => problems.length > 0).length;
  console.log(`\n ${Object.keys(results).length - failed} pass\n ${failed} fail`);
  process.exit(failed === 0 ? 0 : 1);
}

async function streamSteadily(
  running: RunningServer,
  chance: Chance,
  durationMs: number,
): Promise<Record<string, readonly string[]>> {
  const bob = await signUp(answeringAt(running));
  const { problems, blindness, readings, pages, perSecond, gone } = await stream(bob, chance, durationMs);
  console.log(
    `${perSecond} paragraphs/s came, ${gone} went; ${readings} searches were read over ${pages} pages`,
  );
  return { "pages and totals beside a steady stream": problems, "what is wrong is seen": blindness };
}

function answeringAt({ address }: RunningServer): Answering {
  return {
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      return fetch(new Request(address + pathname + search, request));
    },
  };
}

async function withServer<T>(use: (server: RunningServer) => Promise<T>): Promise<T> {
  const server = await startServer();
  try {
    return await use(server);
  } finally {
    await removeServer(server);
    await removeTemplate();
  }
}

async function run(running: RunningServer, chance: Chance, durationMs: number): Promise<string[]> {
  const found: string[] = [];
  const ada = await signUp(answeringAt(running));
  const there = new Set<string>();
  const gone = new Set<string>();
  const endMs = performance.now() + durationMs;
  const isOn = () => performance.now() < endMs;
  let kills = 0;
  let pages = 0;

  async function write(): Promise<void> {
    while (isOn()) {
      const paragraphs = Array.from({ length: BATCH }, () =>
        [MARK, ...Array.from({ length: 1 + chance.below(20) }, () => WORDS[chance.below(WORDS.length)])].join(
          " ",
        ),
      );
      const { status, body } = await ada.call("POST", "/paragraphs", { paragraphs });
      if (status !== 202) found.push(`handing in: ${status}`);
      for (const { id } of (body.paragraphs ?? []) as { id: string }[]) there.add(id);
      // What waits at the end is waited for: a machine that is quick to store must not have minutes of it.
      await Bun.sleep(WRITE_EVERY_MS);
    }
  }

  async function remove(): Promise<void> {
    while (isOn()) {
      const [id] = there;
      if (id !== undefined) {
        there.delete(id);
        const { status } = await ada.call("DELETE", `/paragraphs/${id}`);
        if (status !== 204) found.push(`deleting: ${status}`);
        gone.add(id);
      }
      await Bun.sleep(5);
    }
  }

  /** All pages of what was there at the beginning: each once, none that was gone by then. */
  async function read(): Promise<void> {
    while (isOn()) {
      const before = new Set([...there].slice(-200));
      const goneBefore = new Set(gone);
      const seen = await readPages(ada, `${MARK} ${WORDS[chance.below(WORDS.length)]}`);
      pages++;
      if (new Set(seen).size !== seen.length) found.push("a page repeats a paragraph");
      for (const id of seen) if (goneBefore.has(id)) found.push(`${id} was found after its deletion`);
      if (before.size === 0) await Bun.sleep(50);
    }
  }

  async function kill(): Promise<void> {
    while (isOn()) {
      await Bun.sleep(KILL_EVERY_MS * (0.5 + chance.next()));
      for (const pid of running.children("worker")) {
        process.kill(pid, "SIGKILL");
        kills++;
      }
      if (chance.oneIn(4)) await ada.call("POST", "/jobs", { task: "text.reanalyse" });
    }
  }

  await Promise.all([write(), remove(), read(), kill()]);
  console.log(
    `${there.size} paragraphs stay, ${gone.size} are deleted, ${kills} workers were killed, ${pages} searches read`,
  );
  await until("everything to be analysed", async () => (await countPending(ada)) === 0, {
    withinMs: SETTLE_MS,
  });
  const { body } = await ada.call("GET", `/search?q=${MARK}&limit=1`);
  if (body.total_count !== there.size) found.push(`${body.total_count} found, not ${there.size}`);
  const verify = runProgram(["search", "verify"], {
    environment: { DATA_DIR: running.dataDir, LOG_LEVEL: "silent" },
  });
  if ((await verify.ended) !== 0) found.push(`search verify: ${verify.stdout()}${verify.stderr()}`);
  return found;
}

async function readPages(person: Person, q: string): Promise<string[]> {
  const seen: string[] = [];
  for (let cursor: unknown = "", pages = 0; cursor !== null && pages < 20; pages++) {
    const more = cursor === "" ? "" : `&cursor=${cursor}`;
    const { body } = await person.call("GET", `/search?q=${encodeURIComponent(q)}&limit=100${more}`);
    seen.push(
      ...((body.items ?? []) as { paragraph: { id: string } }[]).map(({ paragraph }) => paragraph.id),
    );
    cursor = body.next_cursor ?? null;
  }
  return seen;
}

async function countPending(person: Person): Promise<number> {
  const { body } = await person.call("GET", "/paragraphs?status=pending&limit=1");
  return ((body.items ?? []) as unknown[]).length;
}
