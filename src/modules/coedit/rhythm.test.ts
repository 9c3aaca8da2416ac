import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type Person, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { RHYTHM } from "./documents.ts";
import { openEditor } from "./testing/editor.ts";
import { openRawEditor, type RawEditor } from "./testing/raw-editor.ts";
import { openRestless, type RestlessServer } from "./testing/restless.ts";

const secretKey = randomBytes(32).toString("base64");
let here: RestlessServer;
let there: RestlessServer;
let ada: Person;
const editors: { close(): void }[] = [];
beforeAll(async () => {
  here = await openRestless(secretKey);
  there = await openRestless(secretKey, here);
  ada = await signUp(here);
});
afterEach(() => {
  for (const editor of editors.splice(0)) editor.close();
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});

async function createPost(body = ""): Promise<string> {
  return String((await ada.call("POST", "/posts", { title: "A", body })).body.id);
}

async function edit(server: RestlessServer, postId: string): Promise<RawEditor> {
  const editor = await openRawEditor(server.port, postId, ada.token, "?receipts=true");
  editors.push(editor);
  return editor;
}

const unloaded = (server: RestlessServer) =>
  until("the unloading", async () => (await server.countDocuments()) === 0);

const bodyOf = async (postId: string) => (await ada.call("GET", `/posts/${postId}`)).body.body;

test("[COE-8] y-websocket 100, documents that were never freed: what nobody wants is unloaded, saved as the body before", async () => {
  const postId = await createPost();
  const editor = await edit(here, postId);
  editor.type("said and left");
  editor.close();
  await unloaded(here);
  expect(await bodyOf(postId)).toBe("said and left");
  const next = openEditor(here.port, postId, ada.token);
  editors.push(next);
  await next.says("said and left");
});

test("[COE-8] Hocuspocus 971, the unload race: who comes at the very moment of the unloading, and writes, loses nothing", async () => {
  const postId = await createPost();
  const words: string[] = [];
  for (let round = 0; round < 16; round++) {
    const at = round % 3 === 0 ? there : here;
    const editor = await edit(at, postId);
    const word = `${round} `;
    words.push(word);
    editor.type(word);
    await until("the receipt", () => editor.stored === editor.sent);
    editor.close();
    // Now and then it is gone by the time the next one comes, now and then it is just going.
    if (round % 8 === 0) await unloaded(at);
  }
  const late = await edit(there, postId);
  expect(new Set(late.doc.getText("body").toString().match(/\d+ /g))).toEqual(new Set(words));
});

test("[COE-8] Hocuspocus 971: an edit that is sent right before the last editor leaves is stored, though the document is unloaded", async () => {
  for (let round = 0; round < 3; round++) {
    const postId = await createPost();
    const editor = await edit(here, postId);
    editor.type(`last words ${round}`);
    editor.socket.close(1000);
    await unloaded(here);
    expect((await edit(there, postId)).doc.getText("body").toString()).toBe(`last words ${round}`);
  }
});

test("[COE-8] a PUT into a document that is being unloaded is taken", async () => {
  const postId = await createPost("0");
  (await edit(here, postId)).close();
  for (let round = 1; round <= 10; round++) {
    const { status } = await ada.call("PATCH", `/posts/${postId}`, { body: `${round}` });
    expect(status).toBe(200);
  }
  const late = await edit(there, postId);
  expect([late.doc.getText("body").toString(), await bodyOf(postId)]).toEqual(["10", "10"]);
});

test("[PST-60] the body follows every five seconds while they go on, here every 400 ms", async () => {
  expect([RHYTHM.followAfterMs, RHYTHM.followEveryMs]).toEqual([400, 5_000]);
  const postId = await createPost();
  const editor = await edit(here, postId);
  const seen = new Set<string>();
  // Never a pause of 150 ms, which would be enough.
  const typing = setInterval(() => editor.type("x"), 20);
  await until("the body to follow twice", async () => {
    seen.add(String(await bodyOf(postId)));
    return seen.size > 2;
  });
  clearInterval(typing);
});
