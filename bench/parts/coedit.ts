// Co-editing: many in one document, many documents, and a long history; ours stores each edit first, Hocuspocus in turn does not.
import { SQL } from "bun";
import { openApi } from "../api.ts";
import { findPostgres } from "../bare/database.ts";
import { type Bench, say } from "../bench.ts";
import { type CoeditPeer, startPeer } from "../coedit/peer.ts";
import { type EditingPlan, type EditingResult, edit, openDocument, write } from "../coedit/plan.ts";
import { milliseconds, summariseRuns } from "../statistics.ts";
import type { Row } from "../table.ts";

const KEYS_PER_SECOND = 5;
const DURATION_MS = 5_000;
const KEYSTROKES = 1_000_000;
const MISSING = "Hocuspocus is not installed: run scripts/setup-peers.sh";

export function coeditOne(bench: Bench): Promise<Row> {
  return measure(bench, { what: "co-editing, 50 in one document", documents: 1, editors: 50, targetMs: 50 });
}

export function coeditMany(bench: Bench): Promise<Row> {
  return measure(bench, {
    what: "co-editing, 200 documents of 5",
    documents: 200,
    editors: 5,
    targetMs: 100,
  });
}

interface Setting {
  readonly what: string;
  readonly documents: number;
  readonly editors: number;
  readonly targetMs: number;
}

async function measure({ stoa, options }: Bench, setting: Setting): Promise<Row> {
  const { what, documents, editors, targetMs } = setting;
  say(`${what}: ${KEYS_PER_SECOND} keys/s each, by us and by Hocuspocus in turn`);
  const api = await openApi(stoa.port);
  await using peer = await startPeer();
  const base = { editors, keysPerSecond: KEYS_PER_SECOND, durationMs: DURATION_MS };
  const ours: EditingResult[] = [];
  const theirs: EditingResult[] = [];
  for (let round = -1; round < options.rounds; round++) {
    const posts = await createPosts(stoa.port, api.token, documents);
    const plan: EditingPlan = {
      ...base,
      dialect: "stoa",
      port: stoa.port,
      token: api.token,
      documents: posts,
    };
    const result = await edit(round < 0 ? { ...plan, durationMs: 1_000 } : plan);
    if (round >= 0) ours.push(result);
    if (!peer) continue;
    const names = Array.from({ length: documents }, (_, index) => `${round}-${index}`);
    const peerPlan: EditingPlan = { ...plan, dialect: "hocuspocus", port: peer.port, documents: names };
    const peerResult = await edit(round < 0 ? { ...peerPlan, durationMs: 1_000 } : peerPlan);
    if (round >= 0) theirs.push(peerResult);
  }
  for (const { typed, echoed, ended } of ours) {
    if (echoed < typed || ended > 0) throw new Error(`${typed} keys, ${echoed} seen, ${ended} ended`);
  }
  const p99Ms = summariseRuns(ours.map(({ latenciesMs }) => latenciesMs.p99)).median;
  return {
    what,
    ours: show(ours),
    bare: theirs.length > 0 ? `Hocuspocus ${show(theirs)}` : "",
    target: `p99 echo < ${targetMs} ms`,
    isMet: p99Ms < targetMs,
    notes: [
      `${documents * editors * KEYS_PER_SECOND} keys/s, each stored by PostgreSQL before it is relayed; from the key to another editor of the document; every key was seen; medians of ${options.rounds} rounds`,
      peer ? "Hocuspocus 4.7 on Node keeps the documents in memory and stores nothing meanwhile" : MISSING,
    ],
  };
}

export async function coeditHistory({ stoa }: Bench): Promise<Row> {
  say(`co-editing: a history of ${KEYSTROKES.toLocaleString("en")} keystrokes`);
  const api = await openApi(stoa.port);
  const [postId = ""] = await createPosts(stoa.port, api.token, 1);
  const plan = { dialect: "stoa", port: stoa.port, token: api.token, document: postId } as const;
  const written = await write({ ...plan, keystrokes: KEYSTROKES });
  const { socketDir } = await findPostgres(stoa.dataDir);
  const sql = new SQL({
    url: "postgres://stoa@localhost/postgres",
    path: socketDir,
    adapter: "postgres",
    max: 1,
  });
  try {
    await untilSettled(sql, postId);
    const [row] = await sql`
      SELECT octet_length(state) AS bytes, pg_column_size(state) AS on_disk FROM coedit_snapshots WHERE post_id = ${postId}`;
    // Unloaded when nobody has wanted it for a while.
    await Bun.sleep(20_000);
    const opened = await openDocument(plan);
    if (opened.characters !== written.characters) throw new Error("it does not open as it was written");
    await using peer = await startPeer();
    const bytes = Number(row.bytes);
    return {
      what: "co-editing, 1,000,000 keystrokes",
      ours: `${(bytes / 1e6).toFixed(2)} MB, opens in ${(opened.openedMs / 1000).toFixed(2)} s`,
      bare: peer ? await historyOf(peer) : "",
      target: "< 5 MB, < 1 s",
      isMet: bytes < 5_000_000 && opened.openedMs < 1_000,
      notes: [
        `a key in ten corrects, one in 120 goes on elsewhere: ${written.characters.toLocaleString("en")} characters; sent as ${(written.sentBytes / 1e6).toFixed(1)} MB of updates; ${(Number(row.on_disk) / 1e6).toFixed(2)} MB in PostgreSQL's own compression; opened as if for the first time, up to the last byte`,
        peer ? "Hocuspocus opens it from a state in memory" : MISSING,
      ],
    };
  } finally {
    await sql.close();
  }
}

async function historyOf(peer: CoeditPeer): Promise<string> {
  const plan = { dialect: "hocuspocus", port: peer.port, token: "", document: "history" } as const;
  await write({ ...plan, keystrokes: KEYSTROKES });
  let bytes = 0;
  for (let tries = 0; tries < 600 && bytes === 0; tries++) {
    await Bun.sleep(100);
    bytes = await peer.storedBytes("history");
  }
  // It unloads after it has stored.
  await Bun.sleep(5_000);
  const { openedMs } = await openDocument(plan);
  return `Hocuspocus ${(bytes / 1e6).toFixed(2)} MB, ${(openedMs / 1000).toFixed(2)} s`;
}

/** The last editor has left: its version is made, and with it the changes are condensed. */
async function untilSettled(sql: SQL, postId: string): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const [row] = await sql`
      SELECT d.session_since IS NULL AND d.log_count = 0 AS is_settled FROM coedit_documents d WHERE post_id = ${postId}`;
    if (row?.is_settled) return;
    if (performance.now() - startedMs > 120_000) throw new Error("it was not condensed");
    await Bun.sleep(100);
  }
}

async function createPosts(port: number, token: string, count: number): Promise<string[]> {
  const create = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/posts`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ title: "Bench", body: "" }),
    });
    // As the API description has it.
    return ((await answer.json()) as { id: string }).id;
  };
  const ids: string[] = [];
  while (ids.length < count) ids.push(await create());
  return ids;
}

function show(results: readonly EditingResult[]): string {
  const of = (figure: (result: EditingResult) => number) => summariseRuns(results.map(figure)).median;
  return `p50 ${milliseconds(of(({ latenciesMs }) => latenciesMs.p50))}, p99 ${milliseconds(of(({ latenciesMs }) => latenciesMs.p99))}`;
}
