import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { bestOf } from "../../testing/best-of.ts";
import { createProject, type Person, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { join, type LiveServer, listen, openLiveServer } from "./testing/listener.ts";

let server: LiveServer;
let ada: Person;
beforeAll(async () => {
  server = await openLiveServer({ environment: { LIVE_CONNECTIONS_PER_USER: "5" } });
  ada = await signUp(server);
});
afterAll(() => server.stop());

test("[LIVE-15] a flood is ended with 4429, a busy client is not", async () => {
  const listener = listen(server.port);
  await listener.hello(ada.token);
  for (let index = 0; index < 150; index++) listener.send({ type: "ping" });
  await until("the answers", () => listener.frames.filter(({ type }) => type === "pong").length === 150);
  for (let index = 0; index < 300; index++) listener.send({ type: "ping" });
  expect((await listener.closed()).code).toBe(4429);
});

test("[LIVE-15] a stranger's flood is refused before he is known", async () => {
  const listener = listen(server.port, "?ticket=nonsense");
  for (let index = 0; index < 300; index++) listener.send({ type: "ping" });
  expect([4401, 4429]).toContain((await listener.closed()).code);
});

test("[LIVE-16] what is no frame of ours is answered with an error, and nothing else happens", async () => {
  const listener = await join(server.port, ada.token, ada.projectId);
  const bad = [
    "nonsense",
    "null",
    "[]",
    '{"type":"dance"}',
    '{"type":"subscribe"}',
    '{"type":"subscribe","project_id":"1"}',
    `{"type":"subscribe","project_id":"${ada.projectId}","since":"1"}`,
    '{"type":"subscribe","project_id":"x","stream":"me"}',
    '{"type":"hello","token":"again"}',
    '{"type":"ping","__proto__":{"type":"presence"},"more":1}',
  ];
  for (const text of bad) listener.socket.send(text);
  listener.socket.send(new Uint8Array([1, 2, 3]));
  const errors = () => listener.frames.filter(({ type }) => type === "error");
  await until("the errors", () => errors().length === bad.length + 1);
  expect(new Set(errors().map(({ code }) => code))).toEqual(new Set(["INVALID_FRAME"]));
  listener.socket.send(JSON.stringify({ type: "ping", pad: "x".repeat(20_000) }));
  await listener.first("error", ({ code }) => code === "FRAME_TOO_LARGE");
  await ada.call("PATCH", `/projects/${ada.projectId}`, { name: "Unharmed" });
  expect(await listener.upTo(2)).toEqual([2]);
  listener.close();
});

test("[LIVE-17] the hundred-and-first subscription and the sixth connection are refused", async () => {
  const listener = listen(server.port);
  await listener.hello(ada.token);
  const ids = Array.from({ length: 101 }, () => crypto.randomUUID());
  const [last = ""] = ids.slice(-1);
  // Not there, but counted until the answer: all are under way at once.
  for (const id of ids) listener.send({ type: "subscribe", project_id: id });
  const refusal = await listener.first("error", ({ project_id }) => project_id === last);
  expect(refusal.code).toBe("TOO_MANY_SUBSCRIPTIONS");
  const others = [];
  for (let index = 0; index < 4; index++) {
    const other = listen(server.port);
    await other.hello(ada.token);
    others.push(other);
  }
  const sixth = listen(server.port);
  sixth.send({ type: "hello", token: ada.token });
  expect((await sixth.closed()).code).toBe(4429);
  for (const each of [listener, ...others]) each.close();
});

test("[LIVE-19] a closed connection makes room for another", async () => {
  await until("room", async () => {
    const again = listen(server.port);
    again.send({ type: "hello", token: ada.token });
    const way = await Promise.race([
      again.first("welcome").then(() => true),
      again.closed().then(() => false),
    ]);
    again.close();
    return way;
  });
});

/** A WebSocket by hand: after the handshake and two frames it does nothing that it is not told. */
async function connectByHand(token: string, projectId: string): Promise<{ socket: Socket; opened: string }> {
  const socket = connect(server.port, "127.0.0.1");
  let opened = "";
  socket.on("data", (chunk) => {
    opened += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  const key = Buffer.alloc(16, 7).toString("base64");
  socket.write(
    `GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\n` +
      `Sec-WebSocket-Version: 13\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  await until("the welcome", () => opened.includes("welcome"));
  socket.write(frameOf(JSON.stringify({ type: "subscribe", project_id: projectId })));
  await until("the subscription", () => opened.includes("subscribed"));
  return { socket, opened };
}

/** A masked text frame of less than 126 bytes, by a mask of zeros. */
function frameOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

test("[LIVE-18] memory that grows with slow readers (ws 667): who reads nothing is closed, and costs the others nothing", async () => {
  const leastBytes = await bestOf(150 * 1024 * 1024, async () => {
    const projectId = await createProject(ada);
    const { socket } = await connectByHand(ada.token, projectId);
    const reader = await join(server.port, ada.token, projectId);
    socket.pause();
    const before = process.memoryUsage().rss;
    const data = { text: "x".repeat(15_000) };
    const event = { projectId, event: "post.created", actorId: ada.userId, subject: projectId, data };
    const gone = () => server.kernel.metrics.snapshot().then((all) => JSON.stringify(all));
    const connections = async () => Number(/"stoa_live_connections".*?"value":(\d+)/.exec(await gone())?.[1]);
    expect(await connections()).toBe(2);
    let written = 0;
    while ((await connections()) === 2 && written < 5_000) {
      await server.db.transaction(async (tx) => {
        for (let index = 0; index < 50; index++) await server.kernel.events.append(tx, event);
      });
      written += 50;
    }
    expect(await connections()).toBe(1);
    const numbers = await reader.upTo(written + 1);
    expect(numbers).toHaveLength(written);
    const grownBytes = process.memoryUsage().rss - before;
    socket.destroy();
    reader.close();
    await until("nobody", async () => (await connections()) === 0);
    return grownBytes;
  });
  // Loopback's own buffers take some megabytes before anything waits with us.
  expect(leastBytes).toBeLessThan(150 * 1024 * 1024);
}, 60_000);

test("[LIVE-18] who is closed for being slow is told so and resumes without a loss", async () => {
  const projectId = await createProject(ada);
  const slow = await join(server.port, ada.token, projectId);
  const { epoch } = await slow.first("subscribed");
  // Bun's own WebSocket can stop reading.
  const socket = slow.socket as unknown as { pause(): void; resume(): void };
  socket.pause();
  const data = { text: "x".repeat(15_000) };
  const event = { projectId, event: "post.created", actorId: ada.userId, subject: projectId, data };
  const connections = async () =>
    Number(
      /"stoa_live_connections".*?"value":(\d+)/.exec(
        JSON.stringify(await server.kernel.metrics.snapshot()),
      )?.[1],
    );
  let written = 1;
  while ((await connections()) > 0 && written < 5_000) {
    await server.db.transaction(async (tx) => {
      for (let index = 0; index < 50; index++) await server.kernel.events.append(tx, event);
    });
    written += 50;
  }
  socket.resume();
  expect([3008, 1006]).toContain((await slow.closed()).code);
  const seen = slow.numbers();
  const last = seen.at(-1) ?? 1;
  expect(last).toBeLessThan(written);
  const back = await join(server.port, ada.token, projectId, `${epoch}:${last}`);
  expect([...seen, ...(await back.upTo(written))]).toEqual(
    Array.from({ length: written - 1 }, (_, index) => index + 2),
  );
  back.close();
}, 60_000);
