// One person at work: hands in text, has it analysed, reads, asks, deletes, signs in and out, and errs now and then.
import { randomUUID } from "node:crypto";
import { type Chance, createChance } from "../../src/testing/chance.ts";
import { type Client, type Notes, surprise } from "./client.ts";

export interface PersonOptions {
  readonly client: Client;
  readonly notes: Notes;
  readonly number: number;
  readonly isRunning: () => boolean;
}

interface Session {
  readonly token: string;
  readonly refreshToken: string;
}

interface LoginAnswer {
  readonly access_token: string;
  readonly refresh_token: string;
}

interface Paragraphs {
  readonly paragraphs: readonly { readonly id: string }[];
  readonly job_id: string;
}

/** Past this many the oldest are deleted, so that the data stays as it is. */
const KEPT = 200;
const API = "/api/v1";
const JOB_WITHIN_MS = 60_000;

export interface Person {
  run(): Promise<void>;
  /** After the run: nothing pending, every event there. */
  check(): Promise<void>;
}

export function createPerson({ client, notes, number, isRunning }: PersonOptions): Person {
  const chance = createChance(`person ${number}`);
  const account = { email: `soak-${number}-${randomUUID()}@example.org`, password: `long walks ${number}` };
  const kept: string[] = [];
  let projectId = "";
  let session: Session | undefined;

  const call = <T>(name: string, method: string, path: string, expected: number, body?: unknown) =>
    client.call<T>(name, method, API + path, expected, { body, token: session?.token });

  async function logIn(): Promise<void> {
    const answer = await call<LoginAnswer>("log in", "POST", "/auth/login", 200, account);
    if (answer) session = { token: answer.access_token, refreshToken: answer.refresh_token };
  }

  async function handIn(): Promise<void> {
    const paragraphs = Array.from({ length: 1 + chance.below(30) }, () => write(chance));
    const headers = { "Idempotency-Key": randomUUID() };
    const send = () =>
      client.call<Paragraphs>("hand in", "POST", `${API}/paragraphs`, 202, {
        body: { paragraphs },
        token: session?.token,
        headers,
      });
    const first = await send();
    const again = chance.oneIn(4) || !first ? await send() : first;
    if (first && again && first.job_id !== again.job_id) surprise(notes, "the same key gave another answer");
    if (!again) return;
    kept.push(...again.paragraphs.map((each) => each.id));
    await untilDone(again.job_id);
    while (kept.length > KEPT) await call("delete", "DELETE", `/paragraphs/${kept.shift()}`, 204);
  }

  async function untilDone(jobId: string): Promise<void> {
    const deadline = Date.now() + JOB_WITHIN_MS;
    while (Date.now() < deadline) {
      const job = await call<{ status: string }>("job", "GET", `/jobs/${jobId}`, 200);
      if (job?.status === "succeeded") return;
      if (job && ["failed", "cancelled"].includes(job.status))
        return surprise(notes, `job ${jobId} ${job.status}`);
      await Bun.sleep(20);
    }
    surprise(notes, `job ${jobId} was not done within ${JOB_WITHIN_MS} ms`);
  }

  async function importText(): Promise<void> {
    const text = Array.from({ length: 50 + chance.below(100) }, () => write(chance)).join("\n\n");
    const answer = await client.call<{ job_id: string }>("import", "POST", `${API}/paragraphs/import`, 202, {
      body: text,
      token: session?.token,
      headers: { "Content-Type": "text/plain" },
    });
    if (answer) await untilDone(answer.job_id);
    // Whatever was stored, also by one that was interrupted, goes again.
    await deleteStrangers();
  }

  async function deleteStrangers(): Promise<void> {
    const mine = new Set(kept);
    for (let round = 0; round < 4; round++) {
      const page = await call<{ items: { id: string }[] }>("list", "GET", "/paragraphs?limit=100", 200);
      const strangers = page?.items.filter((each) => !mine.has(each.id)) ?? [];
      for (const { id } of strangers) await call("delete", "DELETE", `/paragraphs/${id}`, 204);
      if (strangers.length === 0) return;
    }
  }

  async function read(): Promise<void> {
    await call("top", "GET", `/paragraphs/top?word=${WORDS[chance.below(WORDS.length)]}`, 200);
    await call("list", "GET", "/paragraphs?limit=50", 200);
    const id = kept[chance.below(kept.length)];
    if (id === undefined) return;
    await call("paragraph", "GET", `/paragraphs/${id}`, 200);
    await call("words", "GET", `/paragraphs/${id}/words`, 200);
    await call("events", "GET", `/projects/${projectId}/events?since=0`, 200);
  }

  async function renew(): Promise<void> {
    const body = { refresh_token: session?.refreshToken };
    const answer = await call<LoginAnswer>("refresh", "POST", "/auth/refresh", 200, body);
    if (answer) session = { token: answer.access_token, refreshToken: answer.refresh_token };
    if (!chance.oneIn(10)) return;
    await call("log out", "POST", "/auth/logout", 204);
    await logIn();
  }

  async function err(): Promise<void> {
    await call("no such thing", "GET", `/paragraphs/${randomUUID()}`, 404);
    await call("bad input", "POST", "/paragraphs", 422, { paragraphs: [" "] });
    await client.call("bad JSON", "POST", `${API}/paragraphs`, 400, {
      body: '{"paragraphs": [',
      token: session?.token,
      headers: { "Content-Type": "application/json" },
    });
    await client.call("bad token", "GET", `${API}/auth/me`, 401, { token: "nobody" });
  }

  async function step(): Promise<void> {
    if (!session) await logIn();
    else if (chance.oneIn(4)) await handIn();
    else if (chance.oneIn(30)) await importText();
    // Seldom: each token is remembered until it expires, which a run of minutes would take for a leak.
    else if (chance.oneIn(60)) await renew();
    else if (chance.oneIn(6)) await err();
    else await read();
  }

  async function checkEvents(): Promise<void> {
    for (let since = 0; ; ) {
      const path = `/projects/${projectId}/events?since=${since}&limit=100`;
      const page = await call<{ items: { seq: number }[] }>("events", "GET", path, 200);
      if (!page || page.items.length === 0) return;
      for (const { seq } of page.items) {
        if (seq !== since + 1) surprise(notes, `event ${since + 1} of ${projectId} is missing`);
        since = seq;
      }
    }
  }

  return {
    async run() {
      while (projectId === "" && isRunning()) {
        const signedUp = await call<{ project_id: string }>("sign up", "POST", "/auth/signup", 201, account);
        projectId = signedUp?.project_id ?? "";
      }
      while (isRunning()) {
        await step();
        await Bun.sleep(chance.below(20));
      }
    },
    async check() {
      await logIn();
      const pending = await call<{ items: unknown[] }>("list", "GET", "/paragraphs?status=pending", 200);
      if (pending && pending.items.length > 0)
        surprise(notes, `${pending.items.length} paragraphs are still pending`);
      await checkEvents();
    },
  };
}

const WORDS =
  "the whale sea ship captain white deep water old sailor harpoon wind night star boat line".split(" ");

function write(chance: Chance): string {
  return Array.from(
    { length: 10 + chance.below(60) },
    () => WORDS[Math.floor(WORDS.length * chance.next() ** 2)],
  ).join(" ");
}
