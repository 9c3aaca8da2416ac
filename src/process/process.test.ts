import { afterAll, afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { openDatabase } from "../kernel/db/index.ts";
import { bestOf, inOneOf, msOf } from "../testing/best-of.ts";
import { openTestDatabase } from "../testing/database.ts";
import {
  type RunningServer,
  removeServer,
  removeTemplate,
  runProgram,
  type ServerOptions,
  startServer,
} from "../testing/process.ts";
import { descendants, isRunning, processesOn } from "../testing/processes.ts";
import { until } from "../testing/until.ts";

setDefaultTimeout(60_000);

const PASSWORD = "seven green umbrellas";
const servers: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(removeServer));
});

afterAll(removeTemplate);

async function start(options: ServerOptions = {}): Promise<RunningServer> {
  const server = await startServer(options);
  servers.push(server);
  return server;
}

const workerOf = (server: RunningServer): Promise<number> =>
  until("the worker", () => {
    const [worker, ...more] = server.children("worker");
    return more.length === 0 ? worker : undefined;
  });

function databaseOf({ dataDir }: RunningServer) {
  const [url, socketDir] = ["postgres://stoa@localhost/postgres", join(dataDir, "run")];
  return openDatabase({ url, socketDir, poolSize: 2, applicationName: "test" });
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Record<string, unknown>;
}

async function call(
  server: RunningServer,
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<Answer> {
  const response = await fetch(`${server.address}/api/v1${path}`, {
    method,
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    retryAfter: response.headers.get("Retry-After"),
    body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

async function signUp(server: RunningServer, email: string): Promise<string> {
  expect((await call(server, "POST", "/auth/signup", { email, password: PASSWORD })).status).toBe(201);
  return logIn(server, email);
}

async function logIn(server: RunningServer, email: string): Promise<string> {
  const { status, body } = await call(server, "POST", "/auth/login", { email, password: PASSWORD });
  expect(status).toBe(200);
  return String(body.access_token);
}

async function handIn(server: RunningServer, token: string, text: string): Promise<string> {
  const { status, body } = await call(server, "POST", "/paragraphs", { paragraphs: [text] }, token);
  expect(status).toBe(202);
  return String(body.job_id);
}

const jobOf = (server: RunningServer, token: string, id: string) =>
  call(server, "GET", `/jobs/${id}`, undefined, token);

async function untilDone(server: RunningServer, token: string, jobId: string): Promise<Answer> {
  return until("the job's success", async () => {
    const job = await jobOf(server, token, jobId).catch(() => undefined);
    return job?.body.status === "succeeded" ? job : undefined;
  });
}

/** Nothing of a server is left: no process, no socket. */
function expectNothingLeft(server: RunningServer, pids: readonly number[]): void {
  expect(pids.filter(isRunning)).toEqual([]);
  expect(processesOn(server.dataDir)).toEqual([]);
  expect(readdirSync(join(server.dataDir, "run"))).toEqual([]);
}

test("[PROC-1] from nothing to a worked-on paragraph, and found again by the next start", async () => {
  const first = await start({ isEmpty: true });
  expect(first.readyLine).toBe(
    `Stoa is ready at ${first.address} · API: ${first.address}/docs · data in ${first.dataDir}`,
  );
  expect(first.address).toMatch(/^http:\/\/localhost:\d+$/);
  const token = await signUp(first, "ada@example.org");
  await untilDone(first, token, await handIn(first, token, "A whale is a whale."));
  expect((await fetch(`${first.address}/docs`)).status).toBe(200);
  first.kill("SIGTERM");
  expect(await first.ended).toBe(0);
  expect(first.stderr()).toBe("");

  const second = await start({ dataDir: first.dataDir });
  const top = await call(
    second,
    "GET",
    "/paragraphs/top?word=whale",
    undefined,
    await logIn(second, "ada@example.org"),
  );
  expect(top.body.items).toMatchObject([{ count: 2, paragraph: { content: "A whale is a whale." } }]);
});

test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
  "[PROC-2] %s stops everything and leaves nothing",
  async (signal) => {
    const server = await start();
    await until("the worker", () => server.children("worker").length === 1);
    const pids = descendants(server.pid);
    server.kill(signal);
    expect(await server.ended).toBe(0);
    expectNothingLeft(server, pids);
  },
);

test("[PROC-2] started with nohup it outlives its terminal", async () => {
  const server = await start({ through: "nohup" });
  server.kill("SIGHUP");
  // Signals are taken in order: one that would have stopped it is seen before the next request is answered.
  await call(server, "GET", "/auth/me");
  server.kill("SIGTERM");
  expect(await server.ended).toBe(0);
  expect(server.stdout()).toContain("SIGTERM");
  expect(server.stdout()).not.toContain("SIGHUP");
});

test("[PROC-2] a signal that comes while it starts stops it too", async () => {
  const { dataDir: neighbour } = await start();
  for (const ready of ["lock", "postgres.new", "run"]) {
    const dataDir = join(neighbour, `../${ready}`);
    const program = runProgram(["start"], { environment: { DATA_DIR: dataDir } });
    await until(ready, () => existsSync(join(dataDir, ready)));
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(processesOn(dataDir)).toEqual([]);
  }
});

test("[PROC-2] whenever the signal comes while it starts, nothing is left and nothing complains", async () => {
  const { dataDir, ended, kill } = await start();
  kill("SIGTERM");
  await ended;
  for (let delayMs = 20; delayMs <= 400; delayMs += 40) {
    const program = runProgram(["start"], { environment: { DATA_DIR: dataDir } });
    setTimeout(() => program.kill("SIGTERM"), delayMs);
    // The signal itself, where it came before there was anything to stop.
    expect(await program.ended).toBeOneOf([0, "SIGTERM"]);
    expect(program.stderr()).toBe("");
    expect(processesOn(dataDir)).toEqual([]);
  }
});

/** A request whose second half has not been sent. */
async function beginSignUp(server: RunningServer, email: string): Promise<{ finish(): Promise<string> }> {
  const body = JSON.stringify({ email, password: PASSWORD });
  const socket: Socket = connect(Number(new URL(server.address).port), "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    answer += text;
  });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(
    `POST /api/v1/auth/signup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
  );
  return {
    async finish() {
      socket.write(body.slice(9));
      await closed;
      return answer;
    },
  };
}

test("[PROC-2] a request that was begun is answered, while new ones are not taken", async () => {
  const server = await start();
  const begun = await beginSignUp(server, "late@example.org");
  await call(server, "GET", "/auth/me");
  server.kill("SIGTERM");
  await until("the end of listening", () =>
    fetch(`${server.address}/health`).then(
      () => false,
      () => true,
    ),
  );
  expect(await begun.finish()).toStartWith("HTTP/1.1 201 ");
  expect(await server.ended).toBe(0);
});

test("[PROC-3] a second signal ends it at once, with what it held", async () => {
  const server = await start();
  await beginSignUp(server, "never@example.org");
  await call(server, "GET", "/auth/me");
  const pids = descendants(server.pid);
  server.kill("SIGTERM");
  await until("the stop", () => server.stdout().includes("stopping"));
  // The same signal within a second is npm's echo of it.
  await until("the second signal", () => {
    server.kill("SIGINT");
    return !isRunning(server.pid);
  });
  expect(await server.ended).toBe(130);
  await until("the end of all", () => pids.every((pid) => !isRunning(pid)));
  const next = await start({ dataDir: server.dataDir });
  await signUp(next, "next@example.org");
});

test("[PROC-5] killed, it leaves nothing for long, and the next start has what was acknowledged", async () => {
  const first = await start();
  await until("the worker", () => first.children("worker").length === 1);
  const token = await signUp(first, "ada@example.org");
  const jobs = await Promise.all(Array.from({ length: 20 }, (_, n) => handIn(first, token, `whale ${n}`)));
  const pids = descendants(first.pid);
  first.kill("SIGKILL");
  expect(await first.ended).toBe("SIGKILL");

  const second = await start({ dataDir: first.dataDir });
  await until("the end of the first", () => pids.every((pid) => !isRunning(pid)));
  const again = await logIn(second, "ada@example.org");
  for (const jobId of jobs) await untilDone(second, again, jobId);
  const top = await call(second, "GET", "/paragraphs/top?word=whale&limit=100", undefined, again);
  expect(top.body.items).toHaveLength(20);
});

test("[PROC-6] a killed worker is replaced, and the job it held runs again before its beat could be missed", async () => {
  const server = await start();
  const token = await signUp(server, "ada@example.org");
  const db = databaseOf(server);
  try {
    const tookMs = await bestOf(8_000, async (round) => {
      const worker = await workerOf(server);
      // Analysis stops at this lock, in the middle of its job.
      const held = Promise.withResolvers<void>();
      const locked = Promise.withResolvers<void>();
      const holding = db.transaction(async (tx) => {
        await tx`LOCK TABLE text_words, text_blocks`;
        locked.resolve();
        await held.promise;
      });
      await locked.promise;
      const jobId = await handIn(server, token, `held by a lock ${round}`);
      const begun = async () => (await jobOf(server, token, jobId)).body.status === "running";
      await until("the job to run", begun);
      const ms = await msOf(async () => {
        process.kill(worker, "SIGKILL");
        held.resolve();
        await holding;
        await untilDone(server, token, jobId);
      });
      expect(server.children("worker")).not.toContain(worker);
      return ms;
    });
    // A lease is 10 s: sooner than that only the parent can have handed it on.
    expect(tookMs).toBeLessThan(8_000);
  } finally {
    await db.close();
  }
});

test("[PROC-6] a child that keeps dying is started again each time", async () => {
  const server = await start();
  for (let round = 0; round < 3; round++) {
    const worker = await workerOf(server);
    process.kill(worker, "SIGKILL");
    await until("its end", () => !isRunning(worker));
  }
  const token = await signUp(server, "ada@example.org");
  await untilDone(server, token, await handIn(server, token, "once more"));
});

test("[PROC-7] three processes on one port, each with the metrics of all", async () => {
  const server = await start({ environment: { WEB_PROCESSES: "3" } });
  await workerOf(server);
  await until("the children", () => server.children("web").length === 2);
  // Each connection is given to any of them; on each scrape the sum is one of the same whole.
  const processes = await until("all of them in the metrics", async () => {
    const texts = await Promise.all(
      Array.from({ length: 8 }, () =>
        fetch(`${server.address}/metrics`, { headers: { Connection: "close" } }).then((answer) =>
          answer.text(),
        ),
      ),
    );
    const found = texts.map((text) =>
      [...new Set([...text.matchAll(/[{,]process="([^"]+)"/g)].map(([, name]) => name))].sort().join(),
    );
    return found.every((names) => names === found[0] && names.split(",").length === 4) ? found[0] : undefined;
  });
  expect(processes).toBe("web,web-2,web-3,worker");

  const [victim = 0] = server.children("web");
  process.kill(victim, "SIGKILL");
  await until("its replacement", () => {
    const found = server.children("web");
    return found.length === 2 && !found.includes(victim);
  });
  const pids = descendants(server.pid);
  server.kill("SIGTERM");
  expect(await server.ended).toBe(0);
  expectNothingLeft(server, pids);
});

test("[PROC-8] two servers on one database, started at the same moment, share its accounts and its jobs", async () => {
  const db = await openTestDatabase();
  const environment = {
    DATABASE_URL: `${db.url}?host=${encodeURIComponent(db.socketDir)}`,
    SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
  };
  try {
    const [one, other] = await Promise.all([
      start({ environment, isEmpty: true }),
      start({ environment, isEmpty: true }),
    ]);
    expect(one.readyLine).toEndWith(` · data on ${db.socketDir}`);
    const token = await signUp(one, "ada@example.org");
    expect((await call(other, "GET", "/auth/me", undefined, token)).status).toBe(200);
    const jobId = await handIn(other, token, "A whale.");
    await untilDone(one, token, jobId);
    // No database of its own; without SMTP_URL mails lie there, and files always.
    const kept = existsSync(one.dataDir) ? readdirSync(one.dataDir) : [];
    expect(kept.filter((name) => name !== "outbox" && name !== "files")).toEqual([]);
    for (const server of [one, other]) server.kill("SIGTERM");
    expect(await Promise.all([one.ended, other.ended])).toEqual([0, 0]);
  } finally {
    await Promise.all(servers.splice(0).map(removeServer));
    await db.close();
  }
});

test("[PROC-9] web alone takes work, worker alone does it", async () => {
  const web = await start({ words: ["--role", "web"] });
  expect(web.readyLine).toEndWith(" · without a worker");
  const token = await signUp(web, "ada@example.org");
  const jobId = await handIn(web, token, "A whale.");
  expect(descendants(web.pid, "main.ts")).toEqual([web.pid]);
  expect((await jobOf(web, token, jobId)).body.status).toBe("queued");
  web.kill("SIGTERM");
  expect(await web.ended).toBe(0);

  const worker = await start({ words: ["--role=worker"], dataDir: web.dataDir });
  expect(worker.readyLine).toBe(`Stoa's worker is ready · data in ${web.dataDir}`);
  await until("the work", async () => {
    const db = databaseOf(web);
    const [row] = await db.sql<{ status: string }>`SELECT status FROM finished_jobs WHERE id = ${jobId}`;
    await db.close();
    return row?.status === "succeeded";
  });
  worker.kill("SIGTERM");
  expect(await worker.ended).toBe(0);
});

test("[PROC-11] the embedded PostgreSQL is killed: 503 meanwhile, then all goes on", async () => {
  const server = await start();
  const token = await signUp(server, "ada@example.org");
  // It is back within half a second: who asks too late for a 503 does not see it, and kills it again.
  await inOneOf(async () => {
    const [postgres = 0] = await until("PostgreSQL", () => {
      const found = descendants(server.pid, `${server.dataDir}/postgres`);
      return found.length > 0 && found;
    });
    process.kill(postgres, "SIGKILL");
    const seen = new Set<string>();
    const isBack = async () => {
      const answer = await call(server, "GET", "/paragraphs", undefined, token);
      seen.add(`${answer.status} ${answer.body.code ?? ""} ${answer.retryAfter ?? ""}`);
      return answer.status === 200 && seen.size > 1;
    };
    await until("the return", isBack, { withinMs: 10_000 });
    expect([...seen].sort()).toEqual(["200  ", "503 DATABASE_UNAVAILABLE 2"]);
  });
  await untilDone(server, token, await handIn(server, token, "after the fall"));
  expect((await fetch(`${server.address}/ready`)).status).toBe(200);
});
