import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { answer, type Manners, openMailServer, type TestMailServer } from "../../testing/mail-server.ts";
import { until } from "../../testing/until.ts";
import { jobMigrations } from "../jobs/index.ts";
import { createSecrets } from "../secrets/index.ts";
import { createLogger, silentLogger } from "../telemetry/index.ts";
import { createMail, type Mail, mailMigrations } from "./index.ts";
import type { MailOptions } from "./mailer.ts";
import { toMessage } from "./message.ts";
import { createOutbox } from "./outbox.ts";
import { createSmtp } from "./smtp.ts";
import { type MailEngine, startMailEngine } from "./testing/engine.ts";

const secretKey = randomBytes(32).toString("base64");
const note: Mail = {
  to: "ada@example.org",
  subject: "Välkommen, Ada ✓",
  text: "Open this link:\n\nhttps://stoa.test/auth/verify#token=fiddlesticks\n",
};

let db: TestDatabase;
let directory: string;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations, mailMigrations]);
  directory = await mkdtemp(join(tmpdir(), "stoa-mail-"));
});
afterAll(async () => {
  await db.close();
  await rm(directory, { recursive: true });
});

let engine: MailEngine;
let lines: string[];
let closing: (() => Promise<void>)[];
beforeEach(async () => {
  lines = [];
  const log = createLogger({
    level: "debug",
    process: "test",
    output: { write: (line: string) => void lines.push(line), flush: () => {} },
  });
  engine = await startMailEngine(db, { log });
  closing = [() => engine.stop()];
  await db.sql`DELETE FROM mails`;
});
afterEach(async () => {
  for (const close of closing) await close();
});

/** A mailer on this test's worker. */
function mailerOf(options: Partial<MailOptions> = {}) {
  const mail = createMail({
    db,
    secrets: createSecrets(secretKey),
    jobs: engine.jobs,
    log: createLogger({
      level: "debug",
      process: "mail",
      output: { write: (line: string) => void lines.push(line), flush: () => {} },
    }),
    smtpUrl: undefined,
    from: "Stoa på nätet <stoa@stoa.test>",
    outboxDirectory: join(directory, "outbox"),
    ...options,
  });
  closing.push(() => mail.stop());
  return mail;
}

async function server(
  manners?: Manners,
  options?: Parameters<typeof openMailServer>[1],
): Promise<TestMailServer> {
  const opened = await openMailServer(manners, options);
  closing.push(opened.stop);
  return opened;
}

/** Hands a mail in and returns the id of its job. */
async function handIn(mail: ReturnType<typeof mailerOf>, what: Mail = note): Promise<string> {
  await db.transaction((tx) => mail.send(tx, what));
  const [row] = await db.sql<{ id: string }>`
    SELECT id FROM (SELECT id FROM jobs UNION ALL SELECT id FROM finished_jobs) all_jobs ORDER BY id DESC LIMIT 1`;
  return row?.id ?? "";
}

const stored = () => db.sql<{ sealed: Uint8Array }>`SELECT sealed FROM mails`;

test("[MAIL-1] a mail is sent when its transaction commits, and never when it does not", async () => {
  const smtp = await server();
  const mail = mailerOf({ smtpUrl: smtp.environment.SMTP_URL });
  const failed = db.transaction(async (tx) => {
    await mail.send(tx, { ...note, subject: "never" });
    throw new Error("rolled back");
  });
  await expect(failed).rejects.toThrow("rolled back");
  expect(await engine.ended(await handIn(mail))).toMatchObject({ status: "succeeded", priority: "high" });
  expect(smtp.mails.map(({ recipients, headers }) => [recipients, headers.subject])).toEqual([
    [["ada@example.org"], note.subject],
  ]);
  expect(smtp.mails[0]?.text.trimEnd()).toBe(note.text.trimEnd());
});

test("[MAIL-2] what a mail says is sealed, and its job knows its id alone; once sent nothing is left", async () => {
  let isWilling = false;
  const smtp = await server({ recipient: () => (isWilling ? undefined : answer(451, "later")) });
  const mail = mailerOf({ smtpUrl: smtp.environment.SMTP_URL });
  await db.transaction(async (tx) => {
    await mail.send(tx, note);
    const [row] = await tx<{ sealed: Uint8Array }>`SELECT sealed FROM mails`;
    const [job] = await tx<{ input: object }>`SELECT input FROM jobs`;
    const kept = Buffer.from(row?.sealed ?? []).toString("latin1") + JSON.stringify(job);
    for (const word of ["ada", "lkommen", "fiddlesticks"]) expect(kept).not.toContain(word);
    expect(job?.input).toEqual({ mail_id: expect.any(String) });
  });
  isWilling = true;
  await until("the mail", () => smtp.mails.length === 1);
  await until("its row to go", async () => (await stored()).length === 0);
});

test("[MAIL-3] a refused recipient and a refused mail end it at once, and nothing of it is left", async () => {
  const cases: Manners[] = [
    { recipient: () => answer(550, "5.1.1 ada@example.org is unknown") },
    { mail: () => answer(554, "5.7.1 not wanted: fiddlesticks") },
  ];
  for (const manners of cases) {
    const smtp = await server(manners);
    const fresh = await startMailEngine(db, { log: silentLogger });
    closing.unshift(() => fresh.stop());
    await engine.stop();
    engine = fresh;
    const mail = mailerOf({ smtpUrl: smtp.environment.SMTP_URL });
    const job = await engine.ended(await handIn(mail));
    expect(job).toMatchObject({ status: "failed", attempt: 1, error: { code: "MAIL_REFUSED" } });
    expect(await stored()).toEqual([]);
  }
});

test("[MAIL-3] what is put off, or ends in the dark, is tried again until it is taken", async () => {
  const troubles: Record<string, Manners> = {
    recipient: { recipient: once(() => answer(451, "4.7.1 greylisted")) },
    mail: { mail: once(() => answer(452, "4.2.2 mailbox full")) },
    sender: { sender: once(() => answer(550, "who are you")) },
    cut: { mail: once(() => "hang up" as const) },
    silent: { mail: once(() => "stay silent" as const) },
  };
  const closers: (() => Promise<void>)[] = [];
  const mails = await Promise.all(
    Object.values(troubles).map(async (manners) => {
      const smtp = await openMailServer(manners);
      const carrier = createSmtp({
        url: smtp.environment.SMTP_URL,
        connectTimeoutMs: 1000,
        silenceTimeoutMs: 300,
      });
      closers.push(async () => {
        carrier.close();
        await smtp.stop();
      });
      return { smtp, carrier };
    }),
  );
  closing.push(...closers);
  const names = Object.keys(troubles);
  // One carrier that knows by the address which server it goes to: the trouble of one is not that of another.
  const mail = mailerOf({
    carrier: {
      carry: async (id, message, signal) =>
        mails[names.indexOf(message.to.address.split("@")[0] ?? "")]?.carrier.carry(id, message, signal),
      close: () => {},
    },
  });
  const ids: string[] = [];
  for (const name of names) ids.push(await handIn(mail, { ...note, to: `${name}@example.org` }));
  const ended = await Promise.all(ids.map((id) => engine.ended(id)));
  expect(ended.map(({ status, attempt }) => [status, attempt])).toEqual(names.map(() => ["succeeded", 2]));
  expect(mails.map(({ smtp }) => smtp.mails.length)).toEqual(names.map(() => 1));
  expect(await stored()).toEqual([]);
});

/** The first time only. */
function once<T>(act: () => T): () => T | undefined {
  let isFirst = true;
  return () => {
    if (!isFirst) return undefined;
    isFirst = false;
    return act();
  };
}

test("[MAIL-3] a refused log-in is tried again, since someone may correct the password", async () => {
  let password = "old";
  const smtp = await server({ login: (user, given) => user === "stoa@stoa" && given === password });
  const url = `smtp://stoa%40stoa:n%3Aew@127.0.0.1:${smtp.port}?tls=off`;
  const id = await handIn(mailerOf({ smtpUrl: url }));
  await until("a failed attempt", async () => (await engine.get(id)).error !== null);
  password = "n:ew";
  expect(await engine.ended(id)).toMatchObject({ status: "succeeded" });
});

test("[MAIL-3] a server that accepts and never greets is given up, and tried again when it is well", async () => {
  let seen = 0;
  const mute = createServer(() => void seen++);
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const address = mute.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const carrier = createSmtp({ url: `smtp://127.0.0.1:${port}?tls=off`, connectTimeoutMs: 400 });
  const id = await handIn(mailerOf({ carrier }));
  await until("an attempt", () => seen >= 1);
  mute.close();
  // Refused now: nobody listens.
  await until("a failure of the connection", async () => (await engine.get(id)).attempt >= 3);
  const smtp = await server({}, { port });
  expect(await engine.ended(id)).toMatchObject({ status: "succeeded" });
  expect(smtp.mails).toHaveLength(1);
});

test("[MAIL-4] a mail sent again after an unclear end is the same byte for byte", async () => {
  const raws: string[] = [];
  const hangUp = once(() => "hang up" as const);
  const smtp = await server({
    mail(raw) {
      raws.push(raw);
      return hangUp();
    },
  });
  await engine.ended(await handIn(mailerOf({ smtpUrl: smtp.environment.SMTP_URL })));
  expect(raws).toHaveLength(2);
  expect(raws[0]).toBe(raws[1] ?? "");
  expect(smtp.mails[0]?.headers).toMatchObject({
    "message-id": expect.stringMatching(/^<[0-9a-f-]{36}@stoa\.test>$/),
    "auto-submitted": "auto-generated",
  });
});

test("[MAIL-4] mails share two connections", async () => {
  const smtp = await server();
  const mail = mailerOf({ smtpUrl: smtp.environment.SMTP_URL });
  for (let n = 0; n < 20; n++) await db.transaction((tx) => mail.send(tx, note));
  await until("all mails", () => smtp.mails.length === 20);
  expect(smtp.connections()).toBeLessThanOrEqual(2);
});

test("[MAIL-5] what could break out of its header is refused when it is handed in", async () => {
  const mail = mailerOf();
  const bad: Partial<Mail>[] = [
    { to: "ada@example.org\r\nBcc: eve@example.org" },
    { to: "ada@example.org, eve@example.org" },
    { to: "Ada <ada@example.org>" },
    { to: "ada@example.org>\n" },
    { to: "ada" },
    { to: "" },
    { subject: "Hello\r\nBcc: eve@example.org" },
    { subject: "Hello\nthere" },
    { subject: "Hello\u0000" },
    { subject: "x".repeat(201) },
  ];
  for (const part of bad) {
    const sending = db.transaction((tx) => mail.send(tx, { ...note, ...part }));
    await expect(sending).rejects.toThrow(/of a mail|too long/);
  }
  expect(await stored()).toEqual([]);
});

test("[MAIL-5] names, subjects, addresses and texts in any script arrive as they were written", async () => {
  const smtp = await server();
  const mail = mailerOf({ smtpUrl: smtp.environment.SMTP_URL });
  const line = "Ünïcode – 読み物 ".repeat(20);
  const text = `${line}\n\n.\nA line that begins with a dot\nFrom the start\nhttps://stoa.test/${"a".repeat(120)}`;
  await engine.ended(await handIn(mail, { to: "päivi@example.org", subject: line.slice(0, 200), text }));
  const [mailed] = smtp.mails;
  expect(mailed?.recipients).toEqual(["päivi@example.org"]);
  expect(mailed?.headers.subject).toBe(line.slice(0, 200).trim());
  expect(mailed?.headers.from).toBe("Stoa på nätet <stoa@stoa.test>");
  expect(mailed?.text.trimEnd()).toBe(text);
  for (const each of mailed?.raw.split("\r\n") ?? []) expect(each.length).toBeLessThan(998);
});

test("[MAIL-6] in clear text only to this machine or when asked for; certificates are checked unless asked not to", async () => {
  const withTls = await server();
  const without = await server({}, { disabledCommands: ["STARTTLS"] });
  const cases: [url: string, isTaken: boolean, reason?: RegExp][] = [
    [`smtp://127.0.0.1:${without.port}`, true],
    [`smtp://127.0.0.1:${without.port}?tls=required`, false],
    [`smtp://127.0.0.1:${without.port}?tls=off`, true],
    // The server's certificate is its own.
    [`smtp://127.0.0.1:${withTls.port}`, false, /certificate/],
    [`smtp://127.0.0.1:${withTls.port}?tls=required`, false, /certificate/],
    [`smtp://127.0.0.1:${withTls.port}?tls=unverified`, true],
    // Any name but this machine's: found by no DNS, so that nothing is sent.
    [`smtp://stoa-mail.invalid:${without.port}`, false, /EDNS/],
  ];
  for (const [url, isTaken, reason = /^/] of cases) {
    const carrier = createSmtp({ url, connectTimeoutMs: 2000, silenceTimeoutMs: 2000 });
    const before = withTls.mails.length + without.mails.length;
    const from = { name: "", address: "stoa@stoa.test" };
    const message = toMessage(note, { id: "1", from, date: new Date() });
    const carried = await carrier.carry("1", message, new AbortController().signal).then(
      () => undefined,
      (error: Error) => error,
    );
    carrier.close();
    expect([url, carried?.name]).toEqual([url, isTaken ? undefined : "MailDelayed"]);
    if (carried) expect(carried.message).toMatch(reason);
    expect(withTls.mails.length + without.mails.length - before).toBe(isTaken ? 1 : 0);
  }
});

test("[MAIL-7] without a mail server a mail is a file that only its owner reads, and the log says where", async () => {
  const outbox = join(directory, "files", "outbox");
  const mail = mailerOf({ outboxDirectory: outbox });
  const long = `Ünïcode, and a line that is too long for the wire: https://stoa.test/#token=${"a".repeat(80)}`;
  await engine.ended(await handIn(mail, { ...note, text: `${note.text}${long}\n` }));
  const names = await readdir(outbox);
  expect(names).toEqual([expect.stringMatching(/^\d{8}T\d{6}\.\d{3}Z-[0-9a-f-]{36}\.eml$/)]);
  const path = join(outbox, names[0] ?? "");
  expect([(await stat(outbox)).mode & 0o777, (await stat(path)).mode & 0o777]).toEqual([0o700, 0o600]);
  const text = await readFile(path, "utf8");
  expect(text).toContain("To: ada@example.org\n");
  expect(text).toContain("\nhttps://stoa.test/auth/verify#token=fiddlesticks\n");
  expect(text).toContain("\nContent-Transfer-Encoding: 8bit\n");
  expect(text).toEndWith(`\n${long}\n`);
  const said = lines.filter((line) => line.includes("outbox"));
  expect(said).toHaveLength(1);
  expect(JSON.parse(said[0] ?? "")).toMatchObject({ path });
});

test("[MAIL-7] the outbox keeps the newest mails", async () => {
  const outbox = join(directory, "bounded");
  const carrier = createOutbox({ directory: outbox, log: silentLogger, maxMails: 3 });
  for (let n = 1; n <= 5; n++) {
    const date = new Date(Date.UTC(2026, 0, n));
    const from = { name: "", address: "stoa@stoa.test" };
    await carrier.carry(
      `id${n}`,
      toMessage(note, { id: `id${n}`, from, date }),
      new AbortController().signal,
    );
  }
  const ids = (await readdir(outbox)).sort().map((name) => name.slice(-7, -4));
  expect(ids).toEqual(["id3", "id4", "id5"]);
});

test("[MAIL-8] a mail that could not be sent for two days is erased", async () => {
  const idle = await startMailEngine(db, { log: silentLogger, works: false });
  const mail = mailerOf({ jobs: idle.jobs });
  await handIn(mail);
  await handIn(mail);
  await db.sql`UPDATE mails SET created_at = now() - interval '49 hours' WHERE id = (SELECT id FROM mails LIMIT 1)`;
  await mail.start();
  expect(await stored()).toHaveLength(1);
  await idle.stop();
});

test("[MAIL-9] neither the log nor a job says to whom a mail goes, what it says, or the server's password", async () => {
  const smtp = await server({
    login: (_user, password) => password === "s3cret",
    recipient: once(() => answer(450, "4.2.1 <ada@example.org> is busy")),
    mail: once(() => answer(554, "no fiddlesticks here")),
  });
  const url = `smtp://stoa:s3cret@127.0.0.1:${smtp.port}?tls=off`;
  const id = await handIn(mailerOf({ smtpUrl: url }));
  expect(await engine.ended(id)).toMatchObject({ status: "failed", attempt: 2 });
  const [row] = await db.sql<{
    text: string;
  }>`SELECT to_jsonb(f)::text AS text FROM finished_jobs f WHERE id = ${id}`;
  expect(row?.text).toContain("MAIL_REFUSED");
  const said = `${lines.join("")}${row?.text}`;
  expect(said).toContain("450");
  for (const secret of ["ada@", "lkommen", "fiddlesticks", "s3cret"]) expect(said).not.toContain(secret);
});
