import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Doc } from "yjs";
import { createProject, type Person, share, signUp } from "../src/testing/requests.ts";
import { openServed, type ServedApplication } from "../src/testing/served.ts";
import { until } from "../src/testing/until.ts";
import { type Coedit, type CoeditOptions, openCoedit } from "./coedit.ts";
import type { LiveError } from "./protocol.ts";

const secretKey = randomBytes(32).toString("base64");
let server: ServedApplication;
let ada: Person;
let ben: Person;
let projectId: string;
const all: Coedit[] = [];
beforeAll(async () => {
  server = await openServed({ secretKey });
  [ada, ben] = [await signUp(server), await signUp(server)];
  projectId = await createProject(ada);
  await share(ada, projectId, ben, "viewer");
});
afterEach(() => {
  for (const each of all.splice(0)) each.close();
});
afterAll(() => server.stop());

async function createPost(body = ""): Promise<string> {
  const post = { title: "A", body, project_id: projectId };
  return String((await ada.call("POST", "/posts", post)).body.id);
}

function open(postId: string, options: Partial<CoeditOptions> = {}): Coedit {
  const coedit = openCoedit({
    url: `http://127.0.0.1:${server.port}`,
    postId,
    doc: new Doc(),
    token: () => ada.token,
    firstDelayMs: 20,
    maxDelayMs: 100,
    ...options,
  });
  all.push(coedit);
  return coedit;
}

const synced = (coedit: Coedit) => until("the text", () => coedit.status.isSynced);

test("two documents of one post say the same, by a token and by a ticket, and what is saved is said", async () => {
  const postId = await createPost("a swan");
  const addresses: string[] = [];
  class Socket extends WebSocket {
    constructor(url: string) {
      super(url);
      addresses.push(url);
    }
  }
  const one = open(postId, { WebSocket: Socket });
  const ticket = async () => String((await ada.call("POST", "/live/tickets")).body.ticket);
  const other = openCoedit({ url: `http://127.0.0.1:${server.port}`, postId, doc: new Doc(), ticket });
  all.push(other);
  await Promise.all([synced(one), synced(other)]);
  one.text.insert(2, "black ");
  expect(one.status.isSaved).toBe(false);
  await one.saved();
  const rows = await server.db.sql`SELECT FROM coedit_changes WHERE post_id = ${postId}`;
  expect(rows.length).toBeGreaterThan(0);
  await until("the text", () => other.text.toString() === "a black swan");
  one.awareness.setLocalStateField("cursor", 4);
  await until("the cursor", () =>
    [...other.awareness.getStates().values()].some(
      (state) => state.cursor === 4 && state.user_id === ada.userId,
    ),
  );
  one.close();
  await until("it to be gone", () => other.awareness.getStates().size === 1);
  expect(addresses.join()).not.toContain(ada.token);
});

test("what is written offline is kept, merged and saved when the server is back; cuts lose nothing", async () => {
  const postId = await createPost("middle");
  const sockets: (WebSocket & { terminate(): void })[] = [];
  let isBlocked = false;
  class Socket extends WebSocket {
    constructor(url: string) {
      super(isBlocked ? "ws://127.0.0.1:9/" : url);
      // Bun's own WebSocket can be cut.
      sockets.push(this as unknown as WebSocket & { terminate(): void });
    }
  }
  const states: string[] = [];
  const away = open(postId, {
    WebSocket: Socket,
    onStatus: ({ connection, isSaved }) => states.push(`${connection} ${isSaved ? "saved" : "unsaved"}`),
  });
  const stays = open(postId);
  await Promise.all([synced(away), synced(stays)]);
  isBlocked = true;
  sockets.at(-1)?.terminate();
  await until("the loss", () => !away.status.isSynced);
  away.text.insert(0, "before ");
  stays.text.insert(6, " after");
  await stays.saved();
  expect([away.status.isSaved, away.text.toString()]).toEqual([false, "before middle"]);
  isBlocked = false;
  await away.saved();
  await until("both", () => stays.text.toString() === "before middle after");
  expect(away.text.toString()).toBe("before middle after");
  expect(states).toContain("waiting unsaved");
  expect(states.at(-1)).toBe("open saved");
});

test("a viewer is told that nothing is taken, and a withdrawal ends it", async () => {
  const postId = await createPost("a swan");
  const ends: LiveError[] = [];
  const viewer = open(postId, { token: () => ben.token, onEnd: (error) => ends.push(error) });
  await until("the news", () => !viewer.status.canWrite);
  expect(viewer.status.code).toBe("VIEWER");
  await ada.call("DELETE", `/projects/${projectId}/collaborators/${ben.userId}`);
  await until("the end", () => ends.length > 0);
  expect([ends[0]?.code, viewer.status.connection]).toEqual(["ACCESS_WITHDRAWN", "closed"]);
});

test("a post that is not there, and a token that is refused twice, end it", async () => {
  for (const [code, options] of [
    ["POST_NOT_FOUND", {}],
    ["UNAUTHENTICATED", { token: () => "nonsense" }],
    ["UNAUTHENTICATED", { token: () => undefined }],
  ] as const) {
    const ends: LiveError[] = [];
    open(crypto.randomUUID(), { ...options, onEnd: (error) => ends.push(error) });
    await until("the end", () => ends.length > 0);
    expect(ends.map((error) => error.code)).toEqual([code]);
  }
});
