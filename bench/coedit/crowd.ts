// The editors' process: types at a pace and measures how late others see it, or writes a long history, or opens a document.
import * as Y from "yjs";
import { openLine } from "./line.ts";
import type { EditingPlan, EditingResult, HistoryPlan, HistoryResult, OpeningResult, Task } from "./plan.ts";
import { createTypist, type Typist } from "./typist.ts";

const SETTLE_MS = 500;
const GIVE_UP_MS = 15_000;
const GIVE_UP_LATE_MS = 180_000;
/** Keystrokes of a history that go over together, as after a while offline. */
const PART = 2_000;

// The parent writes exactly one task.
const task = JSON.parse(await Bun.stdin.text()) as Task;
process.stdout.write(JSON.stringify(await carryOut(task)));
process.exit(0);

function carryOut(task: Task): Promise<EditingResult | HistoryResult | OpeningResult> {
  if (task.does === "edit") return edit(task);
  return task.does === "write" ? write(task) : open(task);
}

interface Editor {
  readonly doc: Y.Doc;
  readonly send: (update: Uint8Array) => void;
  /** When each of its keys was sent, by its clock; taken away when another has seen it. */
  readonly sentMs: Map<number, number>;
  seen: number;
}

async function edit(plan: EditingPlan): Promise<EditingResult> {
  const latenciesMs: number[] = [];
  let [typed, ended, ready] = [0, 0, 0];
  const all: Editor[] = [];
  for (const document of plan.documents) {
    const group: Editor[] = [];
    for (let index = 0; index < plan.editors; index++) {
      const doc = new Y.Doc();
      const line = openLine({
        ...plan,
        document,
        onReady: () => {
          line.ask(Y.encodeStateVector(doc));
          ready++;
        },
        // Each watches the one before it: all keys are watched, each by one.
        onSync: (type, bytes) => type === 2 && watch(group.at(index - 1), bytes),
        onEnd: () => ended++,
      });
      const editor: Editor = { doc, send: line.send, sentMs: new Map(), seen: 0 };
      doc.on("update", (update: Uint8Array) => line.send(update));
      group.push(editor);
      all.push(editor);
    }
    while (all.length - ready > 100) await Bun.sleep(1);
  }
  function watch(editor: Editor | undefined, bytes: Uint8Array): void {
    if (!editor) return;
    const to = Y.parseUpdateMeta(bytes).to.get(editor.doc.clientID) ?? 0;
    const nowMs = performance.now();
    for (; editor.seen < to; editor.seen++) {
      const sentMs = editor.sentMs.get(editor.seen);
      if (sentMs !== undefined) latenciesMs.push(nowMs - sentMs);
      editor.sentMs.delete(editor.seen);
    }
  }
  await until(() => ready === all.length);
  await Bun.sleep(SETTLE_MS);
  const startedMs = performance.now();
  const keys = plan.keysPerSecond * all.length;
  for (let elapsedMs = 0; elapsedMs < plan.durationMs; elapsedMs = performance.now() - startedMs) {
    // In turn, so that they never type all at once.
    while (typed < (elapsedMs / 1000) * keys) {
      const editor = all[(typed * 7_919) % all.length];
      typed++;
      if (!editor) continue;
      const text = editor.doc.getText("body");
      editor.sentMs.set(text.length, performance.now());
      text.insert(text.length, "x");
    }
    await Bun.sleep(1);
  }
  const stoppedMs = performance.now();
  while (latenciesMs.length < typed && performance.now() - stoppedMs < GIVE_UP_MS) await Bun.sleep(5);
  const sorted = latenciesMs.toSorted((one, other) => one - other);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    typed,
    echoed: latenciesMs.length,
    latenciesMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
    ended,
  };
}

async function write(plan: HistoryPlan): Promise<HistoryResult> {
  const doc = new Y.Doc();
  const typist: Typist = createTypist(doc.getText("body"));
  let isReady = false;
  let vector: Uint8Array | undefined;
  const line = openLine({
    ...plan,
    onReady: () => {
      isReady = true;
    },
    onSync: (type, bytes) => {
      if (type === 2) vector = bytes;
    },
    onEnd: () => {},
  });
  await until(() => isReady);
  line.ask(Y.encodeStateVector(doc));
  let sentBytes = 0;
  for (let done = 0; done < plan.keystrokes; done += PART) {
    const updates: Uint8Array[] = [];
    const hear = (update: Uint8Array) => updates.push(update);
    doc.on("update", hear);
    // Each keystroke is a transaction of its own, as an editor makes it.
    for (let n = 0; n < PART; n++) typist.press();
    doc.off("update", hear);
    const part = Y.mergeUpdates(updates);
    sentBytes += part.length;
    vector = undefined;
    line.send(part);
    // What comes back, of anybody's, says that it was taken.
    await until(() => vector !== undefined);
  }
  line.close();
  return { characters: doc.getText("body").length, sentBytes };
}

async function open(plan: Omit<HistoryPlan, "keystrokes">): Promise<OpeningResult> {
  const startedMs = performance.now();
  const doc = new Y.Doc();
  let state: Uint8Array | undefined;
  const line = openLine({
    ...plan,
    onReady: () => line.ask(Y.encodeStateVector(doc)),
    onSync: (type, bytes) => {
      if (type === 1) state = bytes;
    },
    onEnd: () => {},
  });
  await until(() => state !== undefined);
  const openedMs = performance.now() - startedMs;
  if (state) Y.applyUpdate(doc, state);
  line.close();
  return { openedMs, characters: doc.getText("body").length, receivedBytes: state?.length ?? 0 };
}

async function until(isTrue: () => boolean): Promise<void> {
  const startedMs = performance.now();
  while (!isTrue()) {
    if (performance.now() - startedMs > GIVE_UP_LATE_MS) throw new Error("waited in vain for the server");
    await Bun.sleep(1);
  }
}
