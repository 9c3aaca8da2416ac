import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { openAgain } from "../../testing/database.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openServed, type ServedApplication } from "../../testing/served.ts";
import { until } from "../../testing/until.ts";
import { AwarenessBook, type EntryNote } from "./awareness.ts";
import { readFrame } from "./frames.ts";
import { openEditor } from "./testing/editor.ts";
import { openRawEditor, type RawEditor } from "./testing/raw-editor.ts";

const secretKey = randomBytes(32).toString("base64");
let here: ServedApplication;
let there: ServedApplication;
let ada: Person;
let ben: Person;
let postId: string;
const editors: { close(): void }[] = [];
beforeAll(async () => {
  here = await openServed({ secretKey });
  there = await openServed({ secretKey, db: openAgain(here.db) });
  [ada, ben] = [await signUp(here), await signUp(here)];
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "viewer");
  const post = { title: "A", body: "", project_id: projectId };
  postId = String((await ada.call("POST", "/posts", post)).body.id);
});
afterEach(() => {
  for (const editor of editors.splice(0)) editor.close();
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});

async function raw(server: ServedApplication, person: Person): Promise<RawEditor> {
  const editor = await openRawEditor(server.port, postId, person.token);
  editors.push(editor);
  return editor;
}

test("[COE-21] plain clients see each other on two processes, and who comes later sees all", async () => {
  const [one, other] = [openEditor(here.port, postId, ada.token), openEditor(there.port, postId, ben.token)];
  editors.push(one, other);
  await Promise.all([one.synced(), other.synced()]);
  one.provider.awareness.setLocalStateField("cursor", 3);
  other.provider.awareness.setLocalStateField("name", "Ben");
  const seenBy = (editor: typeof one, of: typeof one) =>
    editor.provider.awareness.getStates().get(of.doc.clientID) as Record<string, unknown> | undefined;
  await until("Ada's cursor", () => seenBy(other, one)?.cursor === 3);
  await until("Ben's name", () => seenBy(one, other)?.name === "Ben");
  const late = await raw(there, ada);
  await until("both", () => late.present.size === 2);
  expect(late.present.get(one.doc.clientID)).toEqual({ cursor: 3, user_id: ada.userId });
});

test("[COE-21] y-websocket hangs up after 30 s of silence: its own state comes back to who is alone", async () => {
  const alone = await raw(here, ada);
  alone.sendAwareness([[71, 1, { alone: true }]]);
  await until("its own state", () => alone.present.has(71));
});

test("[COE-22] forged awareness: nobody changes, removes or takes over another's entry", async () => {
  const [victim, forger] = [await raw(here, ada), await raw(there, ben)];
  victim.sendAwareness([[501, 1, { name: "Ada", user_id: "somebody else" }]]);
  const mine = { name: "Ada", user_id: ada.userId };
  await until("the entry", () => forger.present.has(501));
  expect(forger.present.get(501)).toEqual(mine);
  forger.sendAwareness([[501, 99, { name: "Forged" }]]);
  forger.sendAwareness([[501, 100, null]]);
  forger.sendAwareness([[502, 1, { name: "Ben" }]]);
  forger.sendAwareness([
    [502, 2, { name: "Ben, too" }],
    [501, 101, { name: "Forged" }],
    [503, 1, { name: "Nobody" }],
  ]);
  const late = await raw(here, ada);
  await until("what the forger says of himself", () => Object(late.present.get(502)).name === "Ben, too");
  expect(late.present.get(501)).toEqual(mine);
  expect(late.present.has(503)).toBe(false);
  expect(victim.present.get(501)).toEqual(mine);
});

test("[COE-22] who comes back with the same client, before the old connection is known to be dead, speaks for it", async () => {
  const [before, witness] = [await raw(here, ada), await raw(there, ben)];
  before.sendAwareness([[601, 5, { at: "before" }]]);
  await until("the entry", () => witness.present.has(601));
  const after = await raw(here, ada);
  after.sendAwareness([[601, 6, { at: "after" }]]);
  await until("the new one", () => Object(witness.present.get(601)).at === "after");
  before.close();
  after.sendAwareness([[601, 7, { at: "still here" }]]);
  await until("the newer one", () => Object(witness.present.get(601)).at === "still here");
});

test("[COE-23] an entry vanishes when its connection does, on every process", async () => {
  const [leaves, near, far] = [await raw(here, ada), await raw(here, ben), await raw(there, ben)];
  leaves.sendAwareness([[701, 1, { here: true }]]);
  await until("it to be there", () => near.present.has(701) && far.present.has(701));
  (leaves.socket as unknown as { terminate(): void }).terminate();
  await until("it to be gone", () => !near.present.has(701) && !far.present.has(701));
});

/** A book by itself: what it sends on, and what it tells other processes. */
function openBook() {
  const sent: { readonly clientId: number; readonly clock: number; readonly state: string }[][] = [];
  const told: EntryNote[] = [];
  const book = new AwarenessBook({
    processId: "here",
    send(bytes) {
      const frame = readFrame(bytes);
      if (frame?.kind === "awareness") sent.push([...frame.entries]);
    },
    tell: (note) => told.push(note),
  });
  return { book, sent, told };
}

test("[COE-23] the entries of a process that has died vanish, and so do those that nobody renews", () => {
  const { book, sent } = openBook();
  book.hearNote("there", [1, 1, { a: 1 }, "connection", "user"]);
  book.processGone("elsewhere");
  expect(book.frame()).toBeDefined();
  book.processGone("there");
  expect(book.frame()).toBeUndefined();
  const beforeMs = performance.now();
  book.hearNote("there", [2, 1, { a: 1 }, "connection", "user"]);
  book.forgetSilent(beforeMs + 44_000);
  expect(book.frame()).toBeDefined();
  book.forgetSilent(performance.now() + 46_000);
  expect(book.frame()).toBeUndefined();
  expect(sent.length).toBeGreaterThan(0);
  book.stop();
});

test("[COE-24] a thousand moves in a moment are a few frames, and the last one arrives", async () => {
  const { book, sent, told } = openBook();
  const owner = { processId: "here", connectionId: "c", userId: "u" };
  const startedMs = performance.now();
  for (let n = 1; n <= 1_000; n++)
    book.hear(owner, [{ clientId: 9, clock: n, state: JSON.stringify({ n }) }]);
  await until("the last", () => sent.at(-1)?.[0]?.clock === 1_000);
  const most = Math.ceil((performance.now() - startedMs) / 50) + 1;
  expect(sent.length).toBeLessThanOrEqual(most);
  expect(told.length).toBeLessThanOrEqual(most);
  expect(told.at(-1)).toEqual([9, 1_000, { n: 1_000, user_id: "u" }, "c", "u"]);
  book.stop();
});

test("[COE-24] an entry that is too large or none is passed over", () => {
  const { book, sent } = openBook();
  const owner = { processId: "here", connectionId: "c", userId: "u" };
  for (const state of [JSON.stringify({ n: "x".repeat(2_048) }), "[]", "7", "{", '"text"'])
    book.hear(owner, [{ clientId: 9, clock: 1, state }]);
  expect([sent, book.frame()]).toEqual([[], undefined]);
});

test("[COE-25] where nothing is said an empty message goes out every 20 seconds", () => {
  const { book, sent } = openBook();
  const nowMs = performance.now();
  book.keepAlive(nowMs + 20_000, 20_000);
  book.keepAlive(nowMs + 30_000, 20_000);
  book.keepAlive(nowMs + 40_001, 20_000);
  expect(sent).toEqual([[], []]);
});
