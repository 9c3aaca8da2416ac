import { afterAll, beforeAll, expect, test } from "bun:test";
import { testRefusals } from "../../testing/refusals.ts";
import { createProject, logIn, type Person, share, signUp } from "../../testing/requests.ts";
import { type LiveServer, listen, openLiveServer } from "./testing/listener.ts";
import { read } from "./testing/reader.ts";

testRefusals({
  rule: "LIVE-14",
  tags: ["live"],
  cases: {
    createLiveTicket: { least: "signed in", request: () => ({ path: "/live/tickets" }) },
    getProjectStatus: {
      least: "viewer",
      request: ({ projectId }) => ({ path: `/projects/${projectId}/status` }),
    },
  },
});

let server: LiveServer;
let owner: Person;
let viewer: Person;
let stranger: Person;
let projectId: string;
let bad: Record<string, string | undefined>;
beforeAll(async () => {
  server = await openLiveServer();
  [owner, viewer, stranger] = [await signUp(server), await signUp(server), await signUp(server)];
  projectId = await createProject(owner);
  await share(owner, projectId, viewer, "viewer");
  const gone = await logIn(server, owner.email);
  await gone.call("POST", "/auth/logout");
  const [head, body] = owner.token.split(".");
  bad = { nobody: undefined, garbage: "garbage", "signed out": gone.token, forged: `${head}.${body}.AAAA` };
});
afterAll(() => server.stop());

const streamAs = (token: string | undefined, id: string) =>
  read(server.port, id, { headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } });

test("[LIVE-14] the stream refuses whoever has no good token, and ?access_token= is no way around", async () => {
  for (const [who, token] of Object.entries(bad)) {
    for (const stream of [
      await streamAs(token, projectId),
      await read(server.port, projectId, { query: `?access_token=${token ?? ""}` }),
    ]) {
      expect([who, stream.response.status]).toEqual([who, 401]);
      expect(stream.response.headers.get("www-authenticate")).toStartWith("Bearer");
    }
  }
});

test("[LIVE-14] the stream is not there for strangers, nor under another id; a viewer gets in", async () => {
  for (const [token, id] of [
    [stranger.token, projectId],
    [owner.token, crypto.randomUUID()],
    [owner.token, "nonsense"],
  ] as const) {
    const { response } = await streamAs(token, id);
    expect(response.status).toBe(404);
    const headers = { Authorization: `Bearer ${token}` };
    const url = `http://127.0.0.1:${server.port}/api/v1/projects/${id}/live`;
    expect((await fetch(url, { method: "HEAD", headers })).status).toBe(404);
  }
  const stream = await streamAs(viewer.token, projectId);
  await stream.first("subscribed");
  stream.close();
});

test("[LIVE-14] the WebSocket takes nobody in whose token is not good", async () => {
  for (const [who, token] of Object.entries(bad)) {
    const listener = listen(server.port);
    listener.send({ type: "hello", token: token ?? " " });
    expect([who, (await listener.closed()).code]).toEqual([who, 4401]);
  }
});

test("[LIVE-14] without an upgrade the WebSocket's address says what it is", async () => {
  const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/live`);
  expect([response.status, response.headers.get("upgrade")]).toEqual([426, "websocket"]);
});
