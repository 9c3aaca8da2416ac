import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { until } from "../../testing/until.ts";
import { silentLogger } from "../telemetry/index.ts";
import { type Route, route, type Socket, type SocketHandler } from "./index.ts";
import { SOCKET_IDLE_SECONDS } from "./socket.ts";
import { createSocketHandler, type SocketData } from "./socket-server.ts";
import { openTestHttp, type TestHttp } from "./test-http.ts";

const handlers: Echo[] = [];

/** Echoes; a few words make it do other things. */
class Echo implements SocketHandler {
  socket: Socket | undefined;
  code: number | undefined;
  opened(socket: Socket): void {
    this.socket = socket;
    handlers.push(this);
  }
  received(message: string | Uint8Array): void {
    if (message === "throw") throw new Error("broken handler");
    if (message === "join") this.socket?.join("news");
    if (message === "leave") this.socket?.leave("news");
    this.socket?.send(message);
  }
  closed(code: number): void {
    this.code = code;
  }
}

function routes(): Route[] {
  return [
    route(
      {
        method: "GET",
        path: "/echo",
        operationId: "echo",
        tag: "things",
        summary: "Echo",
        access: "public",
        responses: { 101: { description: "A WebSocket." } },
      },
      async ({ upgrade }) => upgrade(new Echo()),
    ),
  ];
}

let served: TestHttp;
let port: number;
const graces: number[] = [];
beforeAll(async () => {
  served = await openTestHttp(routes, {
    ALLOWED_ORIGINS: "https://app.example.com",
    SHUTDOWN_GRACE_SECONDS: "1",
  });
  served.http.onStopping(async (graceMs) => void graces.push(graceMs));
  await served.http.start();
  port = Number(new URL(served.http.address() ?? "").port);
});
afterAll(() => served.close());

async function open(headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`, { headers });
  const got: unknown[] = [];
  let code: number | undefined;
  socket.addEventListener("message", ({ data }) => got.push(data));
  socket.addEventListener("close", (event) => {
    code = event.code;
  });
  await until("an end of the handshake", () => socket.readyState !== WebSocket.CONNECTING);
  return { socket, got, code: () => until("the close", () => code) };
}

test("[HTTP-48] texts and bytes go both ways, and the log has a line with 101", async () => {
  const { socket, got } = await open();
  socket.send("héllo");
  socket.send(new Uint8Array([1, 2, 255]));
  await until("both", () => got.length === 2);
  expect(got[0]).toBe("héllo");
  expect([...(got[1] as Uint8Array)]).toEqual([1, 2, 255]);
  expect(served.lines.some((line) => line.route === "/echo" && line.status === 101)).toBe(true);
  socket.close(3000, "enough");
  await until("the close", () => handlers.at(-1)?.code === 3000);
});

test("[HTTP-48] a plain request is told what to do, with or without a socket", async () => {
  const response = await fetch(`http://127.0.0.1:${port}/echo`);
  expect([response.status, response.headers.get("upgrade")]).toEqual([426, "websocket"]);
  const inside = await served.http.fetch(
    new Request("http://stoa.test/echo", { headers: { Upgrade: "websocket", Connection: "Upgrade" } }),
  );
  expect(inside.status).toBe(426);
});

test("[HTTP-49] other origins are refused before the handshake", async () => {
  const statusOf = (origin: string) =>
    fetch(`http://127.0.0.1:${port}/echo`, { headers: { Origin: origin } }).then(({ status }) => status);
  expect(await statusOf("https://evil.example.com")).toBe(403);
  expect(await statusOf("https://app.example.com.evil.example.com")).toBe(403);
  expect(await statusOf("null")).toBe(403);
  expect(await statusOf("https://app.example.com")).toBe(426);
  expect(await statusOf(`http://127.0.0.1:${port}`)).toBe(426);
  const { socket } = await open({ Origin: "https://evil.example.com" });
  expect(socket.readyState).not.toBe(WebSocket.OPEN);
  await until("the socket is closed", () => socket.readyState === WebSocket.CLOSED);
});

test("[HTTP-50] the time is bounded, and a silent end is found in it", async () => {
  expect(SOCKET_IDLE_SECONDS).toBeLessThan(56);
  let closed = false;
  const handler: SocketHandler = {
    opened: () => {},
    received: () => {},
    closed: () => {
      closed = true;
    },
  };
  // Eight seconds are the least that Bun takes; the rest is the server's own.
  const server = Bun.serve<SocketData>({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => (self.upgrade(request, { data: { handler } }) ? undefined : new Response()),
    websocket: createSocketHandler(silentLogger, 8),
  });
  const socket = connect(Number(server.port), "127.0.0.1");
  const key = Buffer.alloc(16, 7).toString("base64");
  socket.write(
    `GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  const alive = new WebSocket(server.url.href.replace("http", "ws"));
  await until("the end of the silent one", () => closed);
  expect(alive.readyState).toBe(WebSocket.OPEN);
  alive.close();
  socket.destroy();
  await server.stop(true);
}, 60_000);

test("[HTTP-51] zlib for each socket (ws 1202, 1617): nothing is compressed, and topics keep their order with what is sent to one", async () => {
  const [member, other] = [await open(), await open()];
  member.socket.send("join");
  await until("the join", () => member.got.length === 1);
  const own = handlers.at(-2)?.socket;
  for (let index = 0; index < 50; index++) {
    served.http.publish("news", `published ${index}`);
    own?.send(`sent ${index}`);
  }
  await until("all", () => member.got.length === 101);
  expect(member.got.slice(1)).toEqual(
    Array.from({ length: 50 }, (_, index) => [`published ${index}`, `sent ${index}`]).flat(),
  );
  member.socket.send("leave");
  await until("the leave", () => member.got.length === 102);
  served.http.publish("news", "late");
  member.socket.send("last");
  await until("the last", () => member.got.at(-1) === "last");
  expect(member.got).toHaveLength(103);
  expect(other.got).toEqual([]);
  expect(member.socket.extensions).toBe("");
  member.socket.close();
  other.socket.close();
});

test("[HTTP-52] a handler that throws ends its own connection", async () => {
  const [bad, good] = [await open(), await open()];
  bad.socket.send("throw");
  expect(await bad.code()).toBe(1011);
  good.socket.send("still here");
  await until("the echo", () => good.got.length === 1);
  expect(served.lines.filter((line) => line.msg === "a WebSocket's handler threw")).toHaveLength(1);
  good.socket.close();
});

test("[HTTP-53] who wants to know is told of the stop, with the time that is left", async () => {
  const { code } = await open();
  await served.http.stop();
  expect(graces).toEqual([1_000]);
  expect([1000, 1001, 1006]).toContain(await code());
});
