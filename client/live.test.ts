import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LiveServer, openLiveServer } from "../src/modules/live/testing/listener.ts";
import { createProject, type Person, share, signUp } from "../src/testing/requests.ts";
import { until } from "../src/testing/until.ts";
import { createBackoff } from "./backoff.ts";
import { type Live, type LiveError, type LiveOptions, openLive } from "./index.ts";

let server: LiveServer;
let ada: Person;
beforeAll(async () => {
  server = await openLiveServer();
  ada = await signUp(server);
});
afterAll(() => server.stop());

const quick = { firstDelayMs: 20, maxDelayMs: 100 };
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

function open(options: Partial<LiveOptions> = {}): Live {
  return openLive({ url: `http://127.0.0.1:${server.port}`, token: () => ada.token, ...quick, ...options });
}

async function write(projectId: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await ada.call("PATCH", `/projects/${projectId}`, { name: randomBytes(6).toString("hex") });
  }
}

/** All that a subscriber saw of one project. */
function follow(live: Live, projectId: string, since?: string) {
  const seen: number[] = [];
  const resets: string[] = [];
  const ends: LiveError[] = [];
  let stood = 0;
  const subscription = live.subscribe(projectId, {
    ...(since === undefined ? {} : { since }),
    onEvent: ({ seq }) => seen.push(seq),
    onReset: (position) => resets.push(position),
    onSubscribed: () => stood++,
    onEnd: (error) => ends.push(error),
  });
  return {
    seen,
    resets,
    ends,
    subscription,
    stands: (times = 1) => until("the subscription", () => stood >= times),
  };
}

/** Cuts all connections without a word, as a network does. */
function cut(): void {
  for (const socket of sockets.splice(0)) socket.terminate();
}
const sockets: (WebSocket & { terminate(): void })[] = [];
class CuttableSocket extends WebSocket {
  constructor(url: string) {
    super(url);
    // Bun's own WebSocket can be cut.
    sockets.push(this as unknown as WebSocket & { terminate(): void });
  }
}

test("subscriptions lost over a reconnect (supabase-dart 93, realtime-py 213): cut again and again, every event once, in order", async () => {
  const projectId = await createProject(ada);
  const live = open({ WebSocket: CuttableSocket });
  const one = follow(live, projectId);
  await one.stands();
  for (let round = 0; round < 8; round++) {
    await write(projectId, 5);
    cut();
    await write(projectId, 5);
  }
  await until("the last event", () => one.seen.at(-1) === 81);
  expect(one.seen).toEqual(range(2, 81));
  expect(one.resets).toEqual([]);
  live.close();
});

test("a client that was cut before anything happened resumes all the same", async () => {
  const projectId = await createProject(ada);
  const live = open({ WebSocket: CuttableSocket, firstDelayMs: 300, maxDelayMs: 600 });
  const one = follow(live, projectId);
  await one.stands();
  cut();
  // Or it has come back already.
  await until("the cut", () => live.state !== "open" || sockets.length > 0);
  await write(projectId, 3);
  await until("the events", () => one.seen.length === 3);
  expect(one.seen).toEqual([2, 3, 4]);
  live.close();
});

test("an id in capitals is the project that it names", async () => {
  const projectId = await createProject(ada);
  const live = open();
  const one = follow(live, projectId.toUpperCase());
  await one.stands();
  await write(projectId, 1);
  await until("the event", () => one.seen.length === 1);
  one.subscription.end();
  live.close();
});

test("a kept position resumes in another client, and one that is worth nothing is a reset", async () => {
  const projectId = await createProject(ada);
  const first = open();
  const one = follow(first, projectId);
  await one.stands();
  const { position } = one.subscription;
  first.close();
  await write(projectId, 4);
  const second = open();
  const again = follow(second, projectId, position);
  await until("the events", () => again.seen.length === 4);
  expect(again.seen).toEqual([2, 3, 4, 5]);
  second.close();
  const third = open();
  const lost = follow(third, projectId, `${crypto.randomUUID()}:2`);
  await until("the reset", () => lost.resets.length === 1);
  await write(projectId, 1);
  await until("the next event", () => lost.seen.length === 1);
  expect(lost.seen).toEqual([6]);
  third.close();
});

test("subscriptions come and go on one connection, and end when access is withdrawn", async () => {
  const [ben, projectId] = [await signUp(server), await createProject(ada)];
  await share(ada, projectId, ben, "viewer");
  const live = open({ token: () => ben.token });
  const [shared, own] = [follow(live, projectId), follow(live, ben.projectId)];
  await Promise.all([shared.stands(), own.stands()]);
  await ada.call("DELETE", `/projects/${projectId}/collaborators/${ben.userId}`);
  await until("the end", () => shared.ends.length === 1);
  expect(shared.ends[0]?.code).toBe("ACCESS_WITHDRAWN");
  await own.stands(2);
  await ben.call("PATCH", `/projects/${ben.projectId}`, { name: "Mine" });
  await until("the event", () => own.seen.length === 1);
  const stranger = follow(live, projectId);
  await until("the refusal", () => stranger.ends.length === 1);
  expect(stranger.ends[0]?.code).toBe("PROJECT_NOT_FOUND");
  live.close();
});

test("a token that is refused twice ends it; a new one in time does not", async () => {
  const errors: LiveError[] = [];
  const bad = open({ token: () => "nonsense", onError: (error) => errors.push(error) });
  await until("the end", () => bad.state === "closed");
  expect(errors.map(({ code }) => code)).toEqual(["UNAUTHENTICATED"]);
  let asked = 0;
  const renewed = open({ token: () => (++asked === 1 ? "nonsense" : ada.token) });
  await until("the connection", () => renewed.state === "open");
  renewed.close();
});

test("who has nothing to show any more is done; one who could not be asked is asked again", async () => {
  const errors: LiveError[] = [];
  let asked = 0;
  const live = open({
    token: () => {
      if (++asked === 1) throw new Error("the network is away");
      return asked === 2 ? ada.token : undefined;
    },
    WebSocket: CuttableSocket,
    onError: (error) => errors.push(error),
  });
  await until("the connection", () => live.state === "open");
  cut();
  await until("the end", () => live.state === "closed");
  expect(errors.map(({ code }) => code)).toEqual(["UNAUTHENTICATED"]);
});

test("a server that falls silent is left within the time", async () => {
  const silent = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response()),
    websocket: {
      message(socket, text) {
        if (String(text).includes("hello"))
          socket.send('{"type":"welcome","connection_id":"","user_id":"","heartbeat_s":0.05}');
      },
    },
  });
  const states: string[] = [];
  const live = open({ url: silent.url.origin, silenceMs: 100, onState: (state) => states.push(state) });
  await until("a second connection", () => states.filter((state) => state === "open").length >= 2);
  live.close();
  await silent.stop(true);
});

test("a gap is never passed on: the client asks again from where it was", async () => {
  const asked: string[] = [];
  const epoch = crypto.randomUUID();
  const event = (seq: number) => ({
    type: "event",
    project_id: "p",
    seq,
    id: String(seq),
    event: "x.done",
    data: {},
  });
  const lossy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response()),
    websocket: {
      message(socket, text) {
        const frame = JSON.parse(String(text));
        const say = (...frames: object[]) => frames.map((each) => socket.send(JSON.stringify(each)));
        if (frame.type === "hello") say({ type: "welcome", connection_id: "", user_id: "", heartbeat_s: 25 });
        if (frame.type !== "subscribe") return;
        asked.push(frame.since);
        say({ type: "subscribed", project_id: "p", epoch, seq: 1 }, event(2), event(2));
        say(...(asked.length === 1 ? [event(4)] : [event(3), event(4)]));
      },
    },
  });
  const live = open({ url: lossy.url.origin });
  const one = follow(live, "p");
  await until("all events", () => one.seen.length >= 3);
  expect(one.seen).toEqual([2, 3, 4]);
  expect(asked).toEqual([undefined as unknown as string, `${epoch}:2`]);
  live.close();
  await lossy.stop(true);
});

test("a subscription never established (supabase/realtime 1871): refused for the moment, it is asked for until it stands", async () => {
  let asked = 0;
  const busy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response()),
    websocket: {
      message(socket, text) {
        const { type } = JSON.parse(String(text));
        const say = (frame: object) => socket.send(JSON.stringify({ project_id: "p", ...frame }));
        if (type === "hello") say({ type: "welcome", connection_id: "", user_id: "", heartbeat_s: 25 });
        if (type !== "subscribe") return;
        if (++asked < 4) say({ type: "error", code: "DATABASE_UNAVAILABLE", detail: "" });
        else say({ type: "subscribed", epoch: crypto.randomUUID(), seq: 7 });
      },
    },
  });
  const live = open({ url: busy.url.origin });
  const one = follow(live, "p");
  await one.stands();
  expect([asked, one.ends]).toEqual([4, []]);
  expect(one.subscription.position).toEndWith(":7");
  live.close();
  await busy.stop(true);
});

test("attempts are spread over a bound that doubles", () => {
  const backoff = createBackoff(500, 20_000, () => 0.5);
  expect(Array.from({ length: 8 }, backoff.next)).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  backoff.clear();
  expect(backoff.next()).toBe(250);
  const drawn = Array.from({ length: 200 }, () => createBackoff(1000, 1000).next());
  expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(700);
});

test("it runs in Node 20", async () => {
  const directory = await mkdtemp(join(tmpdir(), "stoa-client-"));
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "index.ts")],
    target: "browser",
    format: "esm",
  });
  await Bun.write(join(directory, "client.mjs"), built.outputs[0] ?? "");
  const projectId = await createProject(ada);
  await Bun.write(
    join(directory, "main.mjs"),
    `import { openLive } from "./client.mjs";
    const live = openLive({ url: process.argv[2], token: () => process.argv[3] });
    live.subscribe(process.argv[4], {
      onSubscribed: () => console.log("subscribed"),
      onReset: () => {},
      onEvent: (event) => { console.log(event.seq); if (event.seq === 3) { live.close(); } },
    });`,
  );
  const command = ["node", "--experimental-websocket", join(directory, "main.mjs")];
  const child = Bun.spawn([...command, `http://127.0.0.1:${server.port}`, ada.token, projectId], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines: string[] = [];
  const reading = (async () => {
    for await (const chunk of child.stdout) lines.push(...new TextDecoder().decode(chunk).trim().split("\n"));
  })();
  await until("the subscription", () => lines.includes("subscribed"));
  await write(projectId, 2);
  expect(await child.exited).toBe(0);
  await reading;
  expect(lines).toEqual(["subscribed", "2", "3"]);
  await rm(directory, { recursive: true });
});
