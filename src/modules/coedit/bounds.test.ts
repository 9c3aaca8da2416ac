import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createConnection } from "node:net";
import * as Y from "yjs";
import { type Person, signUp } from "../../testing/requests.ts";
import { openServed, type ServedApplication } from "../../testing/served.ts";
import { until } from "../../testing/until.ts";
import { type Editor, openEditor } from "./testing/editor.ts";
import { plant } from "./testing/planting.ts";
import { openRawEditor, type RawEditor, type RawOptions } from "./testing/raw-editor.ts";

const secretKey = randomBytes(32).toString("base64");
let server: ServedApplication;
let ada: Person;
const editors: { close(): void }[] = [];
beforeAll(async () => {
  server = await openServed({ secretKey });
  ada = await signUp(server);
});
afterEach(() => {
  for (const editor of editors.splice(0)) editor.close();
});
afterAll(() => server.stop());

async function createPost(body = ""): Promise<string> {
  return String((await ada.call("POST", "/posts", { title: "A", body })).body.id);
}

async function raw(postId: string, options: RawOptions = {}): Promise<RawEditor> {
  const editor = await openRawEditor(server.port, postId, ada.token, "?receipts=true", options);
  editors.push(editor);
  return editor;
}

function edit(postId: string, doc = new Y.Doc()): Editor {
  const editor = openEditor(server.port, postId, ada.token, { doc });
  editors.push(editor);
  return editor;
}

async function countChanges(postId: string): Promise<number> {
  const rows = await server.db.sql`SELECT FROM coedit_changes WHERE post_id = ${postId}`;
  return rows.length;
}

test("[COE-16] an update of more than a mebibyte is refused for good; one of just less is taken", async () => {
  const postId = await createPost();
  const big = await raw(postId);
  const reader = await edit(postId).synced();
  big.type("x".repeat(1_000_000));
  await until("all of it", () => reader.text.length === 1_000_000);
  big.doc.getMap("notes").set("large", "y".repeat(1_100_000));
  big.sendUpdate(Y.encodeStateAsUpdate(big.doc));
  expect(await big.closed()).toEqual({ code: 4413, reason: "UPDATE_TOO_LARGE: an update has at most 1 MiB" });
  expect(reader.doc.getMap("notes").size).toBe(0);
});

test("[COE-17] text beyond what a post's body takes is refused, and what makes it shorter is taken", async () => {
  const postId = await createPost(`${"x".repeat(98)}\n\n`.repeat(10_485) + "x".repeat(70));
  const reader = await edit(postId).synced();
  const writer = edit(postId);
  await writer.synced();
  writer.text.insert(0, "too long");
  expect((await writer.closed()).reason).toStartWith("DOCUMENT_TOO_LARGE");
  reader.text.delete(0, 1_000);
  const late = await edit(postId).synced();
  await until("the deletion", () => late.text.length === 1_047_570);
});

test("[COE-17] a document takes ten mebibytes and no more, and what deletes is still taken", async () => {
  const postId = await createPost("body");
  const doc = new Y.Doc();
  const list = doc.getArray<string>("rest");
  for (let n = 0; n < 10; n++) list.push(["z".repeat(1_040_000)]);
  await plant(server.db, postId, Y.encodeStateAsUpdateV2(doc));
  const writer = await edit(postId).synced();
  expect(writer.doc.getArray("rest").length).toBe(10);
  writer.doc.getArray("rest").push(["q".repeat(200_000)]);
  expect((await writer.closed()).code).toBe(4413);
  const eraser = await edit(postId).synced();
  eraser.doc.getArray("rest").delete(0, 9);
  await until("the deletion", async () => (await countChanges(postId)) > 0);
  eraser.doc.getArray("rest").push(["room again"]);
  await until("what is new", async () => (await countChanges(postId)) !== 1);
});

test("[COE-18] Yjs 417, bad updates made a document unreadable: here they reach neither log nor others, and a resync heals", async () => {
  const postId = await createPost("fine");
  const reader = await edit(postId).synced();
  const bad: Readonly<Record<string, (update: Uint8Array) => Uint8Array>> = {
    empty: () => new Uint8Array(),
    "cut off": (update) => update.subarray(0, -3),
    junk: () => new Uint8Array([9, 255, 255, 1, 2, 3]),
  };
  for (const [what, spoil] of Object.entries(bad)) {
    const sender = await raw(postId);
    const hidden: Uint8Array[] = [];
    const before = await countChanges(postId);
    const asked = sender.asked;
    sender.doc.once("update", (update: Uint8Array) => hidden.push(update));
    sender.doc.getText("body").insert(0, `${what}, `);
    sender.sendUpdate(spoil(hidden[0] ?? new Uint8Array()));
    await until("to be asked", () => sender.asked > asked);
    await until("the answer to be taken", () => sender.stored === sender.sent);
    await until("what was meant", () => reader.text.toString().startsWith(what));
    expect((await countChanges(postId)) - before).toBe(1);
    sender.close();
  }
  expect(reader.text.toString()).toBe("junk, cut off, empty, fine");
});

test("[COE-18] who sends nothing but junk is shown out, and no frame ends anything else", async () => {
  const postId = await createPost("fine");
  const reader = await edit(postId).synced();
  const liar = await raw(postId, { answers: 0 });
  for (let n = 0; n < 10; n++) liar.sendUpdate(new Uint8Array([1, 2, 3]));
  expect((await liar.closed()).code).toBe(4400);
  for (const message of [[], [7], [0, 9, 0], [0, 0, 3, 255, 255, 255], [1, 1, 200], [0, 2]]) {
    const sender = await raw(postId);
    sender.send(new Uint8Array(message));
    expect([message, (await sender.closed()).code]).toEqual([message, 4400]);
  }
  const talker = await raw(postId);
  talker.socket.send("text");
  expect((await talker.closed()).code).toBe(4400);
  expect([reader.provider.wsconnected, await countChanges(postId)]).toEqual([true, 0]);
});

test("[COE-19] Yjs 405, silent pending structs: what builds on a missing update is asked for, and all of it arrives", async () => {
  const postId = await createPost();
  const reader = await edit(postId).synced();
  const sender = await raw(postId);
  const asked = sender.asked;
  const updates: Uint8Array[] = [];
  sender.doc.on("update", (update: Uint8Array) => updates.push(update));
  for (const text of ["lost ", "and found"])
    sender.doc.getText("body").insert(sender.doc.getText("body").length, text);
  sender.sendUpdate(updates[1] ?? new Uint8Array());
  await until("to be asked", () => sender.asked > asked);
  await reader.says("lost and found");
  await until("the receipt", () => sender.stored === sender.sent);
});

test("[COE-19] until the missing part is there nothing of it is said to be stored", async () => {
  const postId = await createPost();
  const sender = await raw(postId, { answers: 1 });
  await until("the first question", () => sender.stored === 1);
  const asked = sender.asked;
  const updates: Uint8Array[] = [];
  sender.doc.on("update", (update: Uint8Array) => updates.push(update));
  sender.doc.getText("body").insert(0, "first");
  sender.doc.getText("body").insert(5, " second");
  sender.sendUpdate(updates[1] ?? new Uint8Array());
  await until("to be asked", () => sender.asked > asked);
  expect(sender.stored).toBe(1);
  sender.sendUpdate(updates[0] ?? new Uint8Array());
  sender.sendUpdate(updates[1] ?? new Uint8Array());
  await edit(postId).says("first second");
});

test("[COE-20] who sends too much too fast is closed with 4429", async () => {
  const postId = await createPost();
  const flooder = await raw(postId);
  for (let n = 0; n < 1_500; n++) flooder.sendAwareness([[1, n, { n }]]);
  expect((await flooder.closed()).code).toBe(4429);
});

test("[COE-20] ws 667: who reads nothing is cut off, and others do not notice", async () => {
  const postId = await createPost();
  const [writer, reader] = [await raw(postId), await edit(postId).synced()];
  const stuck = createConnection(server.port, "127.0.0.1");
  stuck.write(
    `GET /api/v1/coedit/${postId}?access_token=${ada.token} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: BwcHBwcHBwcHBwcHBwcHBw==\r\n\r\n`,
  );
  await new Promise((resolve) => stuck.once("data", resolve));
  stuck.pause();
  const connections = async () =>
    Number(
      /"stoa_live_connections".*?"value":(\d+)/.exec(
        JSON.stringify(await server.kernel.metrics.snapshot()),
      )?.[1],
    );
  const before = await connections();
  const map = writer.doc.getMap("m");
  // Loopback's own buffers take some megabytes before anything waits with us.
  for (let n = 0; n < 40 && (await connections()) === before; n++) {
    const updates: Uint8Array[] = [];
    writer.doc.once("update", (update: Uint8Array) => updates.push(update));
    map.set("large", `${n}${"z".repeat(900_000)}`);
    writer.sendUpdate(updates[0] ?? new Uint8Array());
    await until("the relay", () => reader.doc.getMap("m").get("large") === map.get("large"));
  }
  expect(await connections()).toBe(before - 1);
  stuck.destroy();
  expect(reader.provider.wsconnected).toBe(true);
});
