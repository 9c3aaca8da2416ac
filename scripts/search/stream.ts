// Paragraphs arrive at a steady pace and others go, while all pages of searches are read and held against what is known.
import type { Chance } from "../../src/testing/chance.ts";
import type { Person } from "../../src/testing/requests.ts";
import { Ledger } from "./ledger.ts";
import { findProblems, type Reading, readAll, spoil } from "./reading.ts";

const PER_SECOND = 500;
const BATCH = 25;
const DELETES_PER_SECOND = 50;
const GROUPS = 20;
const READERS = 2;
const SORTS = ["relevance", "newest", "count"];
/**
 * Behind so many that wait, others wait for their analysis before they are found, as the spec says: a machine that is too slow
 * for the pace takes less, and the rate is printed.
 */
const MAX_WAITING = 900;

export interface Streamed {
  readonly problems: readonly string[];
  /** Of the check itself. */
  readonly blindness: readonly string[];
  readonly readings: number;
  readonly pages: number;
  readonly perSecond: number;
  readonly gone: number;
}

export async function stream(person: Person, chance: Chance, durationMs: number): Promise<Streamed> {
  const ledger = new Ledger();
  const stored: { readonly id: string; readonly word: string }[] = [];
  const startMs = performance.now();
  const isOn = () => performance.now() < startMs + durationMs;
  const problems: string[] = [];
  const good: Reading[] = [];
  let readings = 0;
  let pages = 0;

  async function write(): Promise<void> {
    let analysed = 0;
    for (let batch = 0; isOn(); batch++) {
      const dueMs = startMs + (batch * BATCH * 1000) / PER_SECOND;
      await Bun.sleep(Math.max(0, dueMs - performance.now()));
      while (stored.length - analysed > MAX_WAITING && isOn()) {
        const { body } = await person.call(
          "GET",
          `/paragraphs/${stored[stored.length - MAX_WAITING / 2]?.id}`,
        );
        if (body.status === "analysed" || body.status === undefined)
          analysed = stored.length - MAX_WAITING / 2;
        else await Bun.sleep(20);
      }
      const words = Array.from({ length: BATCH }, () => `g${chance.below(GROUPS)}`);
      for (const word of words) ledger.send(word);
      const paragraphs = words.map((word) => {
        const times = Array.from({ length: 1 + chance.below(4) }, () => word).join(" ");
        return `${times} and the sea ${"goes on ".repeat(chance.below(9))}`;
      });
      const { status, body } = await person.call("POST", "/paragraphs", { paragraphs, lang: "en" });
      if (status !== 202) problems.push(`handing in: ${status}`);
      for (const [index, { id }] of ((body.paragraphs ?? []) as { id: string }[]).entries()) {
        const word = words[index] ?? "";
        ledger.acknowledge(word, id);
        stored.push({ id, word });
      }
    }
  }

  async function remove(): Promise<void> {
    const removed = new Set<string>();
    while (isOn()) {
      await Bun.sleep(1000 / DELETES_PER_SECOND);
      const one = stored[chance.below(Math.max(1, stored.length))];
      if (!one || removed.has(one.id)) continue;
      removed.add(one.id);
      ledger.leave(one.word, one.id);
      const { status } = await person.call("DELETE", `/paragraphs/${one.id}`);
      if (status !== 204) problems.push(`deleting: ${status}`);
      ledger.bury(one.word, one.id);
    }
  }

  async function read(): Promise<void> {
    while (isOn()) {
      const word = `g${chance.below(GROUPS)}`;
      const reading = await readAll(person, ledger, word, SORTS[readings++ % SORTS.length] ?? "");
      pages += Math.ceil(reading.ids.length / 20);
      const found = findProblems(reading);
      problems.push(...found);
      if (found.length === 0 && reading.before.there.size > 20) good.push(reading);
      if (reading.ids.length === 0) await Bun.sleep(50);
    }
  }

  await Promise.all([write(), remove(), ...Array.from({ length: READERS }, read)]);
  const last = good.at(-1);
  const spoilt = last ? spoil(last) : [];
  const blindness = spoilt.flatMap((each) =>
    findProblems(each).length === 0 ? [`unseen: ${each.what}`] : [],
  );
  if (!last) blindness.push("no reading of more than a page was good");
  const perSecond = Math.round((stored.length * 1000) / durationMs);
  return { problems, blindness, readings, pages, perSecond, gone: ledger.count().gone };
}
