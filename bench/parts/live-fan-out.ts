// Fan-out of the live feed to a thousand, and that of its peers in turn: full speed, and how late at half of our target.
import { openApi } from "../api.ts";
import { type Bench, say } from "../bench.ts";
import { type Peer, startPeer } from "../live/peer.ts";
import { complete, type LivePlan, type LiveResult, runCrowd } from "../live/plan.ts";
import { processorSeconds } from "../processor-time.ts";
import { milliseconds, perSecond, summariseRuns } from "../statistics.ts";
import type { Row } from "../table.ts";

const SUBSCRIBERS = 1_000;
const DURATION_MS = 3_000;
const TARGET = 300_000;
const HALF_P99_MS = 50;

interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly setting: Pick<LivePlan, "dialect" | "port" | "token">;
  readonly projectId: string;
}

/** Medians of the rounds. */
interface FanOut {
  readonly name: string;
  /** Deliveries a second at full speed, and at half of our target rate. */
  readonly rate: number;
  readonly halfRate: number;
  readonly p99Ms: number;
  /** Deliveries for each second that the server's process was at work, at full speed. */
  readonly ofProcessor: number;
  readonly writeRate: number;
  readonly frameBytes: number;
}

export async function liveFanOut({ stoa, options }: Bench): Promise<Row> {
  say(`live: fan-out to ${SUBSCRIBERS} subscribers of one project, by us, by ws and by Socket.IO in turn`);
  const api = await openApi(stoa.port);
  const projectId = await api.createProject("bench fan-out");
  await using ws = await startPeer({ library: "ws", runtime: "node" });
  await using socketIo = await startPeer({ library: "socket.io", runtime: "node" });
  // Bun puts a WebSocket server of its own in the place of the library; shown, since it is what we stand on.
  await using wsOnBun = await startPeer({ library: "ws", runtime: "bun" });
  const contestants = [
    { name: "ours", pid: stoa.pid, setting: { port: stoa.port, token: api.token }, projectId },
    toContestant("ws", ws),
    toContestant("Socket.IO", socketIo),
    toContestant("ws on Bun", wsOnBun),
  ];
  const results = await measureInTurn(contestants, options.rounds);
  const [ours, onWs, onSocketIo, onBun] = contestants.map(({ name }) => summarise(name, results));
  if (!ours || !onWs || !onSocketIo || !onBun) throw new Error("one of them was not measured");
  const peers = [onWs, onSocketIo];
  const isAhead = peers.every(({ rate, p99Ms }) => ours.rate > rate && ours.p99Ms < p99Ms);
  return {
    what: `live fan-out, ${SUBSCRIBERS} subscribers`,
    ours: show(ours),
    bare: peers.map((peer) => `${peer.name} ${show(peer)}`).join(" / "),
    target: `${perSecond(TARGET)}; p99 < ${HALF_P99_MS} ms at half; ahead of both`,
    isMet: ours.rate >= TARGET && ours.p99Ms < HALF_P99_MS && isAhead,
    notes: [
      `medians of ${options.rounds} rounds; frames of ${bytes(ours)}; each event a durable write over HTTP, ${perSecond(ours.writeRate)}; every one arrived at every subscriber`,
      `for each second of the server's processor time, writes and connecting included: ${[ours, ...peers].map((each) => `${each.name} ${perSecond(each.ofProcessor)}`).join(", ")}`,
      `the peers run on Node: ${peers.map((peer) => `ours is ${(ours.rate / peer.rate).toFixed(1)} times as fast as ${peer.name} with frames of ${bytes(peer)}`).join(", ")}; neither stores anything, asks who writes, or can resume`,
      `ws on Bun, which is Bun's own server: ${show(onBun)}, ${perSecond(onBun.ofProcessor)} of processor time`,
    ],
  };
}

function toContestant(name: string, { pid, port, library }: Peer): Contestant {
  const dialect = library === "ws" ? "plain" : "socketIo";
  return { name, pid, setting: { dialect, port, token: "" }, projectId: "everyone" };
}

interface Measured {
  readonly name: string;
  readonly full: LiveResult;
  readonly half: LiveResult;
  readonly usedS: number;
}

/** All of them in every round, so that what else the machine does meets them alike; the first round warms up. */
async function measureInTurn(contestants: readonly Contestant[], rounds: number): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (let round = -1; round < rounds; round++) {
    for (const contestant of contestants) {
      if (round < 0) await runCrowd({ ...planFor(contestant), durationMs: DURATION_MS / 3 });
      else measured.push(await measure(contestant));
    }
  }
  return measured;
}

function planFor({ setting, projectId }: Contestant): LivePlan {
  return {
    ...setting,
    crowd: { count: SUBSCRIBERS, projectIds: [projectId] },
    writeTo: [projectId],
    writers: 32,
    durationMs: DURATION_MS,
  };
}

async function measure(contestant: Contestant): Promise<Measured> {
  const { name, pid } = contestant;
  const plan = planFor(contestant);
  const beforeS = processorSeconds(pid);
  const full = complete(await runCrowd(plan), SUBSCRIBERS);
  const usedS = processorSeconds(pid) - beforeS;
  const writesPerSecond = TARGET / 2 / SUBSCRIBERS;
  const half = complete(await runCrowd({ ...plan, writesPerSecond }), SUBSCRIBERS);
  return { name, full, half, usedS };
}

function summarise(name: string, measured: readonly Measured[]): FanOut {
  const of = (figure: (each: Measured) => number) =>
    summariseRuns(measured.filter((each) => each.name === name).map(figure)).median;
  return {
    name,
    rate: of(({ full }) => full.deliveries / full.seconds),
    halfRate: of(({ half }) => half.deliveries / half.seconds),
    p99Ms: of(({ half }) => half.latenciesMs.p99),
    ofProcessor: of(({ full, usedS }) => full.deliveries / usedS),
    writeRate: of(({ full }) => full.written / full.seconds),
    frameBytes: of(({ full }) => full.frameBytes),
  };
}

function show({ rate, halfRate, p99Ms }: FanOut): string {
  return `${perSecond(rate)}; p99 ${milliseconds(p99Ms)} at ${perSecond(halfRate)}`;
}

function bytes({ frameBytes }: FanOut): string {
  return `${Math.round(frameBytes)} bytes`;
}
