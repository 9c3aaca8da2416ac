// Fan-out of the live feed to a thousand, and the same of its peers in the same run: full speed, and how late at half our target.
import { openApi } from "../api.ts";
import { type Bench, say } from "../bench.ts";
import { type PeerPlan, startPeer } from "../live/peer.ts";
import { complete, type LivePlan, type LiveResult, runCrowd } from "../live/plan.ts";
import { processorSeconds } from "../processor-time.ts";
import { milliseconds, perSecond } from "../statistics.ts";
import type { Row } from "../table.ts";

const SUBSCRIBERS = 1_000;
const WARM_UP_MS = 1_000;
const DURATION_MS = 5_000;
const TARGET = 300_000;
const HALF_P99_MS = 50;
/** Whom we must be ahead of. */
const PEERS: readonly (PeerPlan & { readonly name: string })[] = [
  { name: "ws", library: "ws", runtime: "node" },
  { name: "Socket.IO", library: "socket.io", runtime: "node" },
];
/** Bun puts a WebSocket server of its own in the place of the library; shown, since it is half of what we stand on. */
const WS_ON_BUN: PeerPlan = { library: "ws", runtime: "bun" };

interface FanOut {
  /** Deliveries a second at full speed, and at half our target rate. */
  readonly rate: number;
  readonly halfRate: number;
  readonly p99Ms: number;
  /** Deliveries for each second that the server's process was at work, at full speed. */
  readonly ofProcessor: number;
  readonly full: LiveResult;
}

export async function liveFanOut({ stoa }: Bench): Promise<Row> {
  say(`live: fan-out to ${SUBSCRIBERS} subscribers of one project`);
  const api = await openApi(stoa.port);
  const projectId = await api.createProject("bench fan-out");
  const ours = await measure(stoa, { port: stoa.port, token: api.token }, projectId);
  const peers = [];
  for (const { name, ...plan } of PEERS) peers.push({ name, ...(await measurePeer(plan)) });
  const onBun = await measurePeer(WS_ON_BUN);
  const isAhead = peers.every(({ rate, p99Ms }) => ours.rate > rate && ours.p99Ms < p99Ms);
  return {
    what: `live fan-out, ${SUBSCRIBERS} subscribers`,
    ours: show(ours),
    bare: peers.map(({ name, ...peer }) => `${name} ${show(peer)}`).join(" / "),
    target: `${perSecond(TARGET)}; p99 < ${HALF_P99_MS} ms at half; ahead of both`,
    isMet: ours.rate >= TARGET && ours.p99Ms < HALF_P99_MS && isAhead,
    notes: [
      `frames of ${frames(ours)} bytes; each event a durable write over HTTP, ${perSecond(ours.full.written / ours.full.seconds)}; every one arrived at every subscriber`,
      `for each second of the server's processor time, writes and connecting included: ${[{ name: "ours", ...ours }, ...peers].map((each) => `${each.name} ${perSecond(each.ofProcessor)}`).join(", ")}`,
      `the peers run on Node: ${peers.map((peer) => `${peer.name} with frames of ${frames(peer)} bytes, ours ${(ours.rate / peer.rate).toFixed(1)} times as fast`).join("; ")}; neither stores anything, asks who writes, or can resume`,
      `ws on Bun, which is Bun's own server: ${show(onBun)}, ${perSecond(onBun.ofProcessor)} of processor time`,
    ],
  };
}

async function measurePeer(plan: PeerPlan): Promise<FanOut> {
  say(`the same by ${plan.library} on ${plan.runtime}`);
  await using peer = await startPeer(plan);
  const dialect = plan.library === "ws" ? "plain" : "socketIo";
  // Awaited here: the peer is gone when this function is left.
  return await measure(peer, { dialect, port: peer.port, token: "" }, "everyone");
}

async function measure(
  { pid }: { readonly pid: number },
  setting: Pick<LivePlan, "dialect" | "port" | "token">,
  projectId: string,
): Promise<FanOut> {
  const plan: LivePlan = {
    ...setting,
    crowd: { count: SUBSCRIBERS, projectIds: [projectId] },
    writeTo: [projectId],
    writers: 32,
    durationMs: DURATION_MS,
  };
  await runCrowd({ ...plan, durationMs: WARM_UP_MS });
  const beforeS = processorSeconds(pid);
  const full = complete(await runCrowd(plan), SUBSCRIBERS);
  const usedS = processorSeconds(pid) - beforeS;
  const half = complete(await runCrowd({ ...plan, writesPerSecond: TARGET / 2 / SUBSCRIBERS }), SUBSCRIBERS);
  return {
    rate: full.deliveries / full.seconds,
    halfRate: half.deliveries / half.seconds,
    p99Ms: half.latenciesMs.p99,
    ofProcessor: full.deliveries / usedS,
    full,
  };
}

function show({ rate, halfRate, p99Ms }: Pick<FanOut, "rate" | "halfRate" | "p99Ms">): string {
  return `${perSecond(rate)}; p99 ${milliseconds(p99Ms)} at ${perSecond(halfRate)}`;
}

function frames({ full }: Pick<FanOut, "full">): number {
  return Math.round(full.frameBytes);
}
