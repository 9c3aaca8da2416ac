// The live feed: from the write to the event, ten thousand idle connections, a thousand who resume.
import { openApi } from "../api.ts";
import { type Bench, say } from "../bench.ts";
import { complete, type LivePlan, runCrowd } from "../live/plan.ts";
import { measureMemory } from "../memory.ts";
import { milliseconds, perSecond } from "../statistics.ts";
import { startStoa } from "../stoa.ts";
import type { Row } from "../table.ts";

const SUBSCRIBERS = 1_000;
/** By then the others have their first events. */
const STORM_AFTER_MS = 1_500;

type Setting = Pick<LivePlan, "port" | "token">;

export async function liveLatency({ stoa }: Bench): Promise<Row> {
  say("live: from the durable write to the event");
  const api = await openApi(stoa.port);
  const projectIds: string[] = [];
  for (let index = 0; index < 100; index++) projectIds.push(await api.createProject(`bench live ${index}`));
  const setting: Setting = { port: stoa.port, token: api.token };
  const base = { ...setting, writers: 1, durationMs: 5_000 };
  const [one = ""] = projectIds;
  const idle = complete(
    await runCrowd({
      ...base,
      crowd: { count: 20, projectIds: [one] },
      writeTo: [one],
      writesPerSecond: 20,
    }),
    20,
  );
  const busy = complete(
    await runCrowd({
      ...base,
      crowd: { count: 2_000, projectIds },
      writeTo: projectIds,
      writesPerSecond: 1_000,
    }),
    20,
  );
  const isMet = idle.latenciesMs.p50 < 5 && idle.latenciesMs.p99 < 25 && busy.latenciesMs.p99 < 60;
  return {
    what: "live, write to event",
    ours: `p50 ${milliseconds(idle.latenciesMs.p50)}, p99 ${milliseconds(idle.latenciesMs.p99)} / p99 ${milliseconds(busy.latenciesMs.p99)}`,
    bare: "",
    target: "p50 < 5 ms, p99 < 25 ms / p99 < 60 ms",
    isMet,
    notes: [
      `idle: 20 writes/s to one project; busy: ${perSecond(busy.written / busy.seconds)} over 100 projects with 20 subscribers each, p50 ${milliseconds(busy.latenciesMs.p50)}; measured from before the request is sent`,
    ],
  };
}

/** On a server of its own: memory that earlier parts have freed would hide what connections take. */
export async function liveIdle(): Promise<Row> {
  const count = 10_000;
  say(`live: ${count} idle connections`);
  await using stoa = await startStoa();
  const api = await openApi(stoa.port);
  const bytesOf = () => measureMemory([stoa.pid]).reduce((sum, each) => sum + each.bytes, 0);
  const before = bytesOf();
  let after = before;
  const plan: LivePlan = {
    port: stoa.port,
    token: api.token,
    crowd: { count, projectIds: [] },
    writeTo: [],
    writers: 0,
    durationMs: 3_000,
    restMs: 1_000,
  };
  const { connectedMs, ended } = await runCrowd(plan, () => {
    after = bytesOf();
  });
  const each = (after - before) / count;
  return {
    what: `live, ${count.toLocaleString("en")} idle connections`,
    ours: `${(each / 1024).toFixed(1)} KB each, connected in ${(connectedMs / 1000).toFixed(1)} s`,
    bare: "",
    target: "< 15 KB each, within 20 s",
    isMet: each < 15 * 1024 && connectedMs < 20_000 && ended === 0,
    notes: ["signed in and welcomed; memory of the web process (PSS), without the kernel's socket buffers"],
  };
}

export async function liveResume({ stoa }: Bench): Promise<Row> {
  say("live: a thousand clients resume at once, a thousand events behind");
  const api = await openApi(stoa.port);
  const [stormy, calm] = [await api.createProject("bench storm"), await api.createProject("bench calm")];
  const setting: Setting = { port: stoa.port, token: api.token };
  const events = 1_000;
  await runCrowd({
    ...setting,
    crowd: { count: 1, projectIds: [stormy] },
    writeTo: [stormy],
    writesPerSecond: events,
    writers: 0,
    durationMs: 1_200,
  });
  const { epoch, seq } = await readPosition(setting, stormy);
  // Two processes: what the storm costs those who come back must not count as lateness of the others.
  const [others, { returnedMs }] = await Promise.all([
    runCrowd({
      ...setting,
      crowd: { count: 40, projectIds: [calm] },
      writeTo: [calm],
      writesPerSecond: 50,
      writers: 0,
      durationMs: 5_000,
    }),
    Bun.sleep(STORM_AFTER_MS).then(() =>
      runCrowd({
        ...setting,
        crowd: { count: 0, projectIds: [] },
        writeTo: [],
        writers: 0,
        durationMs: 0,
        returning: { count: SUBSCRIBERS, projectIds: [stormy], since: `${epoch}:${seq - events}`, events },
      }),
    ),
  ]);
  const { latenciesMs } = complete(others, 40);
  return {
    what: `live, ${SUBSCRIBERS} clients resume at once`,
    ours: `${(returnedMs / 1000).toFixed(1)} s; others' p99 ${milliseconds(latenciesMs.p99)}`,
    bare: "",
    target: "5 s; others' p99 < 100 ms",
    isMet: returnedMs < 5_000 && latenciesMs.p99 < 100,
    notes: [`each ${events} events behind; from the first connection to the last event`],
  };
}

async function readPosition(
  { port, token }: Setting,
  projectId: string,
): Promise<{ epoch: string; seq: number }> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/projects/${projectId}/status`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  // As the API description has it.
  return (await answer.json()) as { epoch: string; seq: number };
}
