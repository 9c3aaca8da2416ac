import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { openAgain } from "../../testing/database.ts";
import { createProject, logIn, type Person, share, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { join, type LiveServer, openLiveServer } from "./testing/listener.ts";
import { read } from "./testing/reader.ts";

const secretKey = randomBytes(32).toString("base64");
let here: LiveServer;
let there: LiveServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  here = await openLiveServer({ secretKey });
  there = await openLiveServer({ secretKey, db: openAgain(here.db) });
  [ada, ben] = [await signUp(here), await signUp(here)];
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});

const bearer = (person: Person) => ({ Authorization: `Bearer ${person.token}` });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function write(projectId: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await ada.call("PATCH", `/projects/${projectId}`, { name: randomBytes(6).toString("hex") });
  }
}

test("[LIVE-20] the stream carries what the WebSocket does, each event under its position", async () => {
  const projectId = await createProject(ada);
  const [stream, socket] = [
    await read(here.port, projectId, { headers: bearer(ada) }),
    await join(there.port, ada.token, projectId),
  ];
  expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
  const subscribed = await stream.first("subscribed");
  expect(subscribed.id).toBe(`${subscribed.data.epoch}:1`);
  await write(projectId, 10);
  expect(await stream.upTo(11)).toEqual(range(2, 11));
  await socket.upTo(11);
  const events = stream.messages.filter(({ data }) => data.type === "event");
  expect(events.map(({ data }) => data)).toEqual(socket.frames.filter(({ type }) => type === "event"));
  expect(events.map(({ id }) => id)).toEqual(range(2, 11).map((seq) => `${subscribed.data.epoch}:${seq}`));
  stream.close();
  socket.close();
});

test("[LIVE-20] Last-Event-ID and since resume without a loss, also after nothing had happened", async () => {
  const projectId = await createProject(ada);
  const first = await read(here.port, projectId, { headers: bearer(ada) });
  const { id = "" } = await first.first("subscribed");
  first.close();
  await write(projectId, 300);
  const writing = write(projectId, 50);
  const byHeader = await read(there.port, projectId, { headers: { ...bearer(ada), "Last-Event-ID": id } });
  const byQuery = await read(here.port, projectId, { headers: bearer(ada), query: `?since=${id}` });
  await writing;
  for (const stream of [byHeader, byQuery]) {
    expect(await stream.upTo(351)).toEqual(range(2, 351));
    // Until the first event comes the position is still the old one.
    expect(stream.messages[0]?.id).toBe(id);
    stream.close();
  }
}, 60_000);

test("[LIVE-20] a position that cannot be replayed, or is none, is told to reload", async () => {
  const projectId = await createProject(ada);
  for (const position of [`${crypto.randomUUID()}:1`, "17"]) {
    const stream = await read(here.port, projectId, {
      headers: { ...bearer(ada), "Last-Event-ID": position },
    });
    const reset = await stream.first("reset");
    expect(reset.id).toBe(`${reset.data.epoch}:1`);
    await stream.close();
  }
  const refused = await read(here.port, projectId, { headers: bearer(ada), query: "?since=17" });
  expect(refused.response.status).toBe(422);
});

test("[LIVE-20] a ticket stands for the header that browsers cannot set", async () => {
  const projectId = await createProject(ada);
  const ticket = String((await ada.call("POST", "/live/tickets")).body.ticket);
  const stream = await read(there.port, projectId, { query: `?ticket=${ticket}` });
  await stream.first("subscribed");
  const again = await read(there.port, projectId, { query: `?ticket=${ticket}` });
  expect(again.response.status).toBe(401);
  stream.close();
});

test("[LIVE-21] the stream ends within a second of a log-out, and of a removal", async () => {
  const tookMs = await bestOf(1_000, async () => {
    const projectId = await createProject(ada);
    await share(ada, projectId, ben, "viewer");
    const device = await logIn(here, ben.email);
    const [loggedOut, removed] = [
      await read(there.port, projectId, { headers: bearer(device) }),
      await read(there.port, projectId, { headers: bearer(ben) }),
    ];
    await Promise.all([loggedOut.first("subscribed"), removed.first("subscribed")]);
    const loggingOutMs = await msOf(async () => {
      await device.call("POST", "/auth/logout");
      await loggedOut.ended();
    });
    expect(loggedOut.messages.at(-1)?.data.code).toBe("SESSION_ENDED");
    const removingMs = await msOf(async () => {
      await ada.call("DELETE", `/projects/${projectId}/collaborators/${ben.userId}`);
      await removed.ended();
    });
    expect(removed.messages.at(-1)?.data.code).toBe("ACCESS_WITHDRAWN");
    expect(removed.numbers()).toEqual([]);
    return Math.max(loggingOutMs, removingMs);
  });
  expect(tookMs).toBeLessThan(1_000);
});

test("[LIVE-20] a client that goes away leaves nothing behind", async () => {
  const projectId = await createProject(ada);
  const streams = await Promise.all(
    range(1, 20).map(() => read(here.port, projectId, { headers: bearer(ada) })),
  );
  const connections = async () =>
    Number(
      /"stoa_live_connections".*?"value":(\d+)/.exec(
        JSON.stringify(await here.kernel.metrics.snapshot()),
      )?.[1],
    );
  await until("all of them", async () => (await connections()) === 20);
  for (const stream of streams) stream.close();
  await until("none of them", async () => (await connections()) === 0);
});

test("[LIVE-18] a stream whose reader takes nothing is ended", async () => {
  const projectId = await createProject(ada);
  const socket = connect(here.port, "127.0.0.1");
  socket.on("error", () => {});
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk.toString("latin1");
  });
  socket.write(
    `GET /api/v1/projects/${projectId}/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ada.token}\r\n\r\n`,
  );
  await until("the subscription", () => got.includes("subscribed"));
  socket.pause();
  const connections = async () =>
    Number(
      /"stoa_live_connections".*?"value":(\d+)/.exec(
        JSON.stringify(await here.kernel.metrics.snapshot()),
      )?.[1],
    );
  expect(await connections()).toBe(1);
  const data = { text: "x".repeat(15_000) };
  const event = { projectId, event: "post.created", actorId: ada.userId, subject: projectId, data };
  let written = 0;
  while ((await connections()) > 0 && written < 5_000) {
    await here.db.transaction(async (tx) => {
      for (let index = 0; index < 50; index++) await here.kernel.events.append(tx, event);
    });
    written += 50;
  }
  expect(await connections()).toBe(0);
  socket.destroy();
}, 60_000);
