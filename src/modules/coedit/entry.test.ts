import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createLogger } from "../../kernel/telemetry/index.ts";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { openAgain } from "../../testing/database.ts";
import { createProject, logIn, type Person, share, signUp } from "../../testing/requests.ts";
import { openServed, type ServedApplication } from "../../testing/served.ts";
import { until } from "../../testing/until.ts";
import { type Editor, type EditorOptions, openEditor } from "./testing/editor.ts";
import { openRawEditor } from "./testing/raw-editor.ts";

const secretKey = randomBytes(32).toString("base64");
const logged: string[] = [];
const output = { write: (line: string) => void logged.push(line), flush: () => {} };
const log = createLogger({ level: "debug", process: "test", output });
let here: ServedApplication;
let there: ServedApplication;
let ada: Person;
let ben: Person;
const editors: { close(): void }[] = [];
beforeAll(async () => {
  here = await openServed({ secretKey, log });
  there = await openServed({ secretKey, log, db: openAgain(here.db) });
  [ada, ben] = [await signUp(here), await signUp(here)];
});
afterEach(() => {
  for (const editor of editors.splice(0)) editor.close();
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});

async function createShared(role: "collaborator" | "viewer"): Promise<{ projectId: string; postId: string }> {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, role);
  const post = { title: "A", body: "a swan", project_id: projectId };
  return { projectId, postId: String((await ada.call("POST", "/posts", post)).body.id) };
}

function open(
  server: ServedApplication,
  postId: string,
  person: Person,
  options: EditorOptions = {},
): Editor {
  const editor = openEditor(server.port, postId, person.token, options);
  editors.push(editor);
  return editor;
}

const editorsOf = async (person: Person, postId: string) => [
  await open(here, postId, person).synced(),
  await open(there, postId, person).synced(),
];

test("[COE-10] a header, a ticket, a token in the address and the first frame all say who I am", async () => {
  const { postId } = await createShared("viewer");
  const { body } = await ada.call("POST", "/live/tickets");
  await open(here, postId, ada).synced();
  await open(here, postId, ada, { params: { ticket: String(body.ticket) } }).synced();
  const address = `ws://127.0.0.1:${here.port}/api/v1/coedit/${postId}`;
  const byHeader = new WebSocket(address, { headers: { Authorization: `Bearer ${ada.token}` } });
  const byFrame = new WebSocket(address);
  byFrame.onopen = () => byFrame.send(JSON.stringify({ type: "hello", token: ada.token }));
  for (const socket of [byHeader, byFrame]) {
    const first = Promise.withResolvers<unknown>();
    socket.onmessage = ({ data }) => first.resolve(data);
    expect(await first.promise).toBeInstanceOf(Buffer);
    socket.close();
  }
});

test("[COE-10] who shows nothing good is shown out, a ticket is good once, and plain clients do not come back", async () => {
  const { postId } = await createShared("viewer");
  const ticket = String((await ada.call("POST", "/live/tickets")).body.ticket);
  await open(here, postId, ada, { params: { ticket } }).synced();
  for (const params of [{ access_token: "nonsense" }, { ticket: "nonsense" }, { ticket }, {}]) {
    const editor = open(there, postId, ada, { params: params as Record<string, string> });
    expect((await editor.closed()).code).toBe(4401);
    expect(editor.provider.shouldConnect).toBe(false);
  }
});

test("[COE-11] a log-out closes with 4401 everywhere within a second, and closes no others", async () => {
  const { postId } = await createShared("viewer");
  const stays = await open(there, postId, ada).synced();
  const tookMs = await bestOf(1_000, async () => {
    const device = await logIn(here, ada.email);
    const [one, other] = await editorsOf(device, postId);
    return msOf(async () => {
      await device.call("POST", "/auth/logout");
      expect((await one?.closed())?.code).toBe(4401);
      expect((await other?.closed())?.code).toBe(4401);
    });
  });
  expect(tookMs).toBeLessThan(1_000);
  expect(stays.provider.wsconnected).toBe(true);
});

test("[COE-12] who is taken out is closed with 4403 everywhere within a second", async () => {
  const tookMs = await bestOf(1_000, async () => {
    const { projectId, postId } = await createShared("collaborator");
    const [one, other] = await editorsOf(ben, postId);
    const owner = await open(there, postId, ada).synced();
    const ms = await msOf(async () => {
      await ada.call("DELETE", `/projects/${projectId}/collaborators/${ben.userId}`);
      const closing = { code: 4403, reason: `access withdrawn: ${projectId}` };
      expect(await one?.closed()).toEqual(closing);
      expect(await other?.closed()).toEqual(closing);
    });
    expect(owner.provider.wsconnected).toBe(true);
    return ms;
  });
  expect(tookMs).toBeLessThan(1_000);
});

test("[COE-12] nothing is taken of who may not write any more, also before he is told", async () => {
  const { postId } = await createShared("collaborator");
  const raw = await openRawEditor(here.port, postId, ben.token);
  editors.push(raw);
  const reader = await open(there, postId, ada).synced();
  // Without its event, as if that had not come yet.
  await here.db
    .sql`UPDATE project_members SET role = 'viewer' WHERE user_id = ${ben.userId} AND role = 'collaborator'`;
  raw.type(" that is black");
  await until("the news", () => raw.told.find((text) => text.includes("VIEWER")));
  reader.text.insert(0, "only ");
  await until("the owner's edit", () => raw.doc.getText("body").toString().startsWith("only "));
  expect(reader.text.toString()).toBe("only a swan");
});

test("[COE-12] a collaborator who becomes a viewer reads on; a viewer who becomes a collaborator writes", async () => {
  const { projectId, postId } = await createShared("collaborator");
  const raw = await openRawEditor(there.port, postId, ben.token);
  editors.push(raw);
  const owner = await open(here, postId, ada).synced();
  const path = `/projects/${projectId}/collaborators/${ben.userId}`;
  await ada.call("PUT", path, { role: "viewer" });
  await ada.call("PATCH", path, { role: "viewer" });
  await until("the news", () => raw.told.includes(JSON.stringify({ can_write: false, code: "VIEWER" })));
  raw.type("!");
  owner.text.insert(0, "still ");
  await until("what others write", () => raw.doc.getText("body").toString() === "still a swan!");
  expect(owner.text.toString()).toBe("still a swan");
  await ada.call("PUT", path, { role: "collaborator" });
  await ada.call("PATCH", path, { role: "collaborator" });
  await owner.says("still a swan!");
});

test("[COE-12] in an archived project nobody writes, in one that comes back everybody does", async () => {
  const { projectId, postId } = await createShared("collaborator");
  const raw = await openRawEditor(here.port, postId, ada.token);
  editors.push(raw);
  const reader = await open(there, postId, ben).synced();
  await ada.call("PATCH", `/projects/${projectId}`, { status: "archived" });
  await until("the news", () =>
    raw.told.includes(JSON.stringify({ can_write: false, code: "PROJECT_ARCHIVED" })),
  );
  raw.type("!");
  await until("the refusal", () => raw.told.find((text) => text.startsWith("PROJECT_ARCHIVED: ")));
  expect(reader.text.toString()).toBe("a swan");
  await ada.call("PATCH", `/projects/${projectId}`, { status: "active" });
  await reader.says("a swan!");
});

test("[COE-12] a post that is deleted, and a project, close for good", async () => {
  const { projectId, postId } = await createShared("viewer");
  const [one, other] = await editorsOf(ben, postId);
  await ada.call("DELETE", `/posts/${postId}`);
  for (const each of [one, other]) {
    expect(await each?.closed()).toEqual({ code: 4404, reason: "the post was deleted" });
  }
  expect((await open(here, postId, ada).closed()).code).toBe(4404);
  await ada.call("POST", `/posts/${postId}/restore`);
  const again = await open(there, postId, ada).synced();
  expect(again.text.toString()).toBe("a swan");
  await ada.call("DELETE", `/projects/${projectId}`);
  expect((await again.closed()).code).toBe(4403);
});

test("[COE-13] a viewer reads along, changes nothing and is told so", async () => {
  const { postId } = await createShared("viewer");
  const raw = await openRawEditor(here.port, postId, ben.token);
  editors.push(raw);
  const owner = await open(there, postId, ada).synced();
  expect(raw.told).toEqual([JSON.stringify({ can_write: false, code: "VIEWER" })]);
  raw.type(" in vain");
  await until("the refusal", () => raw.told.length > 1);
  expect(raw.told[1]).toBe("VIEWER: you may read this post, and not change it.");
  owner.text.insert(6, "!");
  await until("the owner's edit", () => raw.doc.getText("body").toString().includes("!"));
  expect(owner.text.toString()).toBe("a swan!");
  // A plain client that is refused aloud writes its address to the console.
  const plain = await open(here, postId, ben).synced();
  const heard: Uint8Array[] = [];
  plain.provider.ws?.addEventListener("message", ({ data }) => heard.push(new Uint8Array(data)));
  plain.text.insert(0, "in vain");
  await until("the quiet refusal", () => heard.some((message) => message[0] === 2));
  expect(heard.filter((message) => message[0] === 2).map((message) => message[1])).toEqual([1]);
  const late = await open(here, postId, ada).synced();
  expect(late.text.toString()).toBe("a swan!");
});

test("[COE-15] a post that is not there and one of others look the same", async () => {
  const eve = await signUp(here);
  const { postId } = await createShared("viewer");
  const ends = [
    await open(here, postId, eve).closed(),
    await open(there, crypto.randomUUID(), eve).closed(),
    // With a document, and without one.
    await open(here, (await createShared("viewer")).postId, eve).closed(),
  ];
  for (const end of ends) expect(end).toEqual({ code: 4404, reason: "no such post" });
});

test("[COE-14] the logs of both processes hold no token, no ticket and no text", async () => {
  const { postId } = await createShared("viewer");
  const ticket = String((await ada.call("POST", "/live/tickets")).body.ticket);
  const editor = await open(here, postId, ada, { params: { ticket } }).synced();
  editor.text.insert(0, "kept to ourselves");
  await open(there, postId, ada).says("kept to ourselvesa swan");
  for (const close of editors.splice(0)) close.close();
  await until(
    "the lines of the connections",
    () => logged.filter((line) => line.includes("/api/v1/coedit/")).length >= 2,
  );
  const all = logged.join("");
  for (const secret of [ticket, ada.token, ben.token, "kept to ourselves"]) expect(all).not.toContain(secret);
});
