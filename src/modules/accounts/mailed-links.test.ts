import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { type Person, send, signUp, TEST_PASSWORD } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import type { User } from "./model.ts";
import { deleteOldLinks } from "./store/links.ts";
import { type MailedAccounts, openMailedAccounts, tokenIn } from "./testing/mailed-accounts.ts";

let here: MailedAccounts;
const verified: string[] = [];
let failsHearing = false;
beforeAll(async () => {
  here = await openMailedAccounts();
  here.accounts.onEmailVerified(async (tx, user: User) => {
    // Sees what the transaction has done.
    const [row] = await tx<{
      email: string;
    }>`SELECT email FROM users WHERE id = ${user.id} AND email_verified_at IS NOT NULL`;
    if (failsHearing) throw new Error("no room");
    verified.push(`${user.id} ${row?.email} ${user.emailVerifiedAt !== null}`);
  });
});
afterAll(() => here.close());

const verify = (token: string) => send(here.kernel.http, "POST", "/auth/email/verify", { body: { token } });
const isVerified = async (person: Person) => (await person.call("GET", "/auth/me")).body.email_verified;
const CONFIRM = /^Confirm your address$/;
let others = 0;
const newAddress = () => `new${++others}.${process.pid}@example.org`;

test("[ACC-40] a sign-up is followed by a mail whose link verifies the address", async () => {
  const person = await signUp(here.kernel.http);
  expect(await isVerified(person)).toBe(false);
  const mail = await here.smtp.next(person.email, CONFIRM);
  expect(mail.text).toContain("\n\nhttps://stoa.test/auth/verify#token=");
  const answer = await verify(tokenIn(mail));
  expect([answer.status, answer.body]).toEqual([204, {}]);
  expect(await isVerified(person)).toBe(true);
  expect(here.audited.filter(({ subject }) => subject === person.userId)).toEqual([
    {
      action: "email.verified",
      subject: person.userId,
      data: expect.objectContaining({ address: "127.0.0.1" }),
    },
  ]);
});

test("[ACC-40] a sign-up that is undone sends nothing", async () => {
  const before = (await here.db.sql`SELECT FROM jobs UNION ALL SELECT FROM finished_jobs`).length;
  const person = await signUp(here.kernel.http);
  const again = await send(here.kernel.http, "POST", "/auth/signup", {
    body: { email: person.email, password: TEST_PASSWORD },
  });
  expect(again.status).toBe(409);
  await here.smtp.next(person.email, CONFIRM);
  const after = (await here.db.sql`SELECT FROM jobs UNION ALL SELECT FROM finished_jobs`).length;
  expect(after).toBe(before + 1);
});

test("[ACC-41] another mail can be asked for; its link ends the older one; none is sent once the address is verified", async () => {
  const person = await signUp(here.kernel.http);
  const older = tokenIn(await here.smtp.next(person.email, CONFIRM));
  const asked = await person.call("POST", "/auth/email/verification");
  expect([asked.status, asked.body]).toEqual([202, {}]);
  const newer = tokenIn(await here.smtp.next(person.email, CONFIRM));
  expect(await verify(older)).toMatchObject({ status: 422, body: { code: "LINK_INVALID" } });
  expect((await verify(newer)).status).toBe(204);
  expect((await person.call("POST", "/auth/email/verification")).status).toBe(202);
  const [waiting] = await here.db.sql<{
    count: number;
  }>`SELECT count(*)::int AS count FROM email_links WHERE user_id = ${person.userId}`;
  expect(waiting?.count).toBe(0);
});

test("[ACC-42] a token is 32 random bytes, stored as a hash alone, and stands in no log, job or mail that is stored", async () => {
  const person = await signUp(here.kernel.http);
  const token = tokenIn(await here.smtp.next(person.email, CONFIRM));
  expect(Buffer.from(token, "base64url")).toHaveLength(32);
  const hash = createHash("sha256").update(token).digest();
  const rows = await here.db
    .sql`SELECT FROM email_links WHERE token_hash = ${hash} AND user_id = ${person.userId}`;
  expect(rows).toHaveLength(1);
  await verify(token);
  await verify(token);
  await send(here.kernel.http, "POST", `/auth/email/verify?token=${token}`, { body: { token } });
  const tables = await here.db.sql<{ name: string }>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`;
  let kept = here.lines.join("");
  for (const { name } of tables) {
    const all = await here.db.sql.unsafe<{ text: string }>(
      `SELECT row_to_json(t)::text AS text FROM "${name}" t`,
    );
    kept += all.map(({ text }) => text).join("");
  }
  expect(kept).toContain(person.userId);
  expect(kept).not.toContain(token);
  expect(kept).not.toContain(Buffer.from(token).toString("hex"));
});

test("[ACC-43] a link is used once, also by many at the same moment", async () => {
  for (let round = 0; round < 4; round++) {
    const person = await signUp(here.kernel.http);
    const token = tokenIn(await here.smtp.next(person.email, CONFIRM));
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(7).fill(422)]);
    expect(await verify(token)).toMatchObject({ status: 422, body: { code: "LINK_INVALID" } });
    expect(verified.filter((each) => each.startsWith(person.userId))).toEqual([
      `${person.userId} ${person.email} true`,
    ]);
  }
});

test("[ACC-43] what is no token is refused as one that is over", async () => {
  for (const token of ["", "x", "A".repeat(43), "ü".repeat(500), " "]) {
    expect(await verify(token)).toMatchObject({ status: 422, body: { code: "LINK_INVALID" } });
  }
  expect((await verify("x".repeat(2_000))).body.code).toBe("INVALID_INPUT");
});

test("[ACC-44] a link lasts a day to verify, an hour to change, half an hour to reset, by the database's clock", async () => {
  const person = await signUp(here.kernel.http);
  await person.call("POST", "/auth/email/change", { email: newAddress(), password: TEST_PASSWORD });
  await send(here.kernel.http, "POST", "/auth/password/forgot", { body: { email: person.email } });
  const rows = await until("three links", async () => {
    const found = await here.db.sql<{ purpose: string; minutes: number }>`
      SELECT purpose, round(extract(epoch FROM expires_at - now()) / 60)::int AS minutes FROM email_links
      WHERE user_id = ${person.userId} ORDER BY purpose`;
    return found.length === 3 && found.map(({ purpose, minutes }) => [purpose, minutes]);
  });
  expect(rows).toEqual([
    ["change", 60],
    ["reset", 30],
    ["verify", 1440],
  ]);
  const token = tokenIn(await here.smtp.next(person.email, CONFIRM));
  await here.db.sql`UPDATE email_links SET expires_at = now() WHERE user_id = ${person.userId}`;
  expect((await verify(token)).status).toBe(422);
});

test("[ACC-44] a link is for its purpose and its address alone", async () => {
  const person = await signUp(here.kernel.http);
  const token = tokenIn(await here.smtp.next(person.email, CONFIRM));
  const body = { token, password: "another long password" };
  const reset = await send(here.kernel.http, "POST", "/auth/password/reset", { body });
  expect(reset).toMatchObject({ status: 422, body: { code: "LINK_INVALID" } });
  await here.db
    .sql`UPDATE users SET email = 'x' || email, email_key = 'x' || email_key WHERE id = ${person.userId}`;
  expect((await verify(token)).status).toBe(422);
  expect(await isVerified(person)).toBe(false);
});

test("[ACC-49] an address changes when the link mailed to the new one is opened, and the old one is told before and after", async () => {
  const person = await signUp(here.kernel.http);
  const email = newAddress();
  const asked = await person.call("POST", "/auth/email/change", {
    email: email.toUpperCase(),
    password: TEST_PASSWORD,
  });
  expect([asked.status, asked.body]).toEqual([202, {}]);
  const notice = await here.smtp.next(person.email, /^A new address was asked for$/);
  expect(notice.text).not.toContain("#token=");
  const spelt = email.toUpperCase().replace("EXAMPLE.ORG", "example.org");
  const token = tokenIn(await here.smtp.next(spelt, /^Confirm your new address$/));
  expect((await person.call("GET", "/auth/me")).body).toMatchObject({
    email: person.email,
    email_verified: false,
  });
  expect((await verify(token)).status).toBe(204);
  expect((await person.call("GET", "/auth/me")).body).toMatchObject({ email: spelt, email_verified: true });
  await here.smtp.next(person.email, /^Your address was changed$/);
  expect((await verify(token)).body.code).toBe("LINK_INVALID");
  const logIn = (address: string) =>
    send(here.kernel.http, "POST", "/auth/login", { body: { email: address, password: TEST_PASSWORD } });
  expect([(await logIn(email)).status, (await logIn(person.email)).status]).toEqual([200, 401]);
  expect(here.audited.filter(({ subject }) => subject === person.userId).map(({ action }) => action)).toEqual(
    ["email.changed"],
  );
  expect(verified.at(-1)).toBe(`${person.userId} ${spelt} true`);
});

test("[ACC-49] only who knows the password asks for another address", async () => {
  const person = await signUp(here.kernel.http);
  const body = { email: newAddress(), password: "not the password" };
  expect(await person.call("POST", "/auth/email/change", body)).toMatchObject({
    status: 403,
    body: { code: "WRONG_PASSWORD" },
  });
  const links = await here.db
    .sql`SELECT FROM email_links WHERE user_id = ${person.userId} AND purpose = 'change'`;
  expect(links).toHaveLength(0);
});

test("[ACC-50] asking for an address that is taken is answered alike, and its owner is told", async () => {
  const [person, owner] = [await signUp(here.kernel.http), await signUp(here.kernel.http)];
  const asked = await person.call("POST", "/auth/email/change", {
    email: owner.email,
    password: TEST_PASSWORD,
  });
  expect([asked.status, asked.body]).toEqual([202, {}]);
  const mail = await here.smtp.next(owner.email, /has an account already/);
  expect(mail.text).not.toContain(person.email);
  const links = await here.db
    .sql`SELECT FROM email_links WHERE user_id = ${person.userId} AND purpose = 'change'`;
  expect(links).toHaveLength(0);
});

test("[ACC-50] an address that was taken meanwhile stays with whom it is", async () => {
  const person = await signUp(here.kernel.http);
  const email = newAddress();
  await person.call("POST", "/auth/email/change", { email, password: TEST_PASSWORD });
  const token = tokenIn(await here.smtp.next(email, /^Confirm your new address$/));
  await send(here.kernel.http, "POST", "/auth/signup", { body: { email, password: TEST_PASSWORD } });
  expect(await verify(token)).toMatchObject({ status: 409, body: { code: "EMAIL_TAKEN" } });
  expect((await person.call("GET", "/auth/me")).body.email).toBe(person.email);
});

test("[ACC-54] a few mails of one kind an hour, then silence; the last link goes on", async () => {
  const person = await signUp(here.kernel.http);
  for (let n = 0; n < 8; n++) {
    expect((await person.call("POST", "/auth/email/verification")).status).toBe(202);
  }
  let token = "";
  for (let n = 0; n < 5; n++) token = tokenIn(await here.smtp.next(person.email, CONFIRM));
  const [row] = await here.db.sql<{ count: number }>`
    SELECT count FROM account_mails WHERE user_id = ${person.userId} AND kind = 'verify'`;
  expect(row?.count).toBe(5);
  await until("all mails to be gone", async () => (await here.db.sql`SELECT FROM mails`).length === 0);
  expect(here.smtp.mails.filter(({ recipients }) => recipients[0] === person.email)).toHaveLength(5);
  // Mails may come in another order than they were handed in.
  const tokens = here.smtp.mails.filter(({ recipients }) => recipients[0] === person.email).map(tokenIn);
  expect(tokens).toContain(token);
  const answers = await Promise.all(tokens.map(verify));
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
});

test("[ACC-54] an hour later mails are sent again", async () => {
  const person = await signUp(here.kernel.http);
  await here.smtp.next(person.email, CONFIRM);
  await here.db.sql`UPDATE account_mails SET count = 5 WHERE user_id = ${person.userId}`;
  await person.call("POST", "/auth/email/verification");
  await here.db
    .sql`UPDATE account_mails SET hour_began_at = now() - interval '61 minutes' WHERE user_id = ${person.userId}`;
  await person.call("POST", "/auth/email/verification");
  await here.smtp.next(person.email, CONFIRM);
  const rows = await here.db.sql<{
    count: number;
  }>`SELECT count FROM account_mails WHERE user_id = ${person.userId}`;
  expect(rows.map(({ count }) => count)).toEqual([1]);
});

test("[ACC-56] who hears of a verified address can undo it", async () => {
  const person = await signUp(here.kernel.http);
  const token = tokenIn(await here.smtp.next(person.email, CONFIRM));
  failsHearing = true;
  const failed = await verify(token);
  failsHearing = false;
  expect([failed.status, await isVerified(person)]).toEqual([500, false]);
  expect((await verify(token)).status).toBe(204);
});

test("[ACC-56] a user is found by an address that he has verified, and by no other", async () => {
  const person = await signUp(here.kernel.http);
  const find = (email: string) => here.accounts.findVerifiedByEmail(here.db.sql, email);
  expect(await find(person.email)).toBeUndefined();
  await verify(tokenIn(await here.smtp.next(person.email, CONFIRM)));
  expect(await find(` ${person.email.toUpperCase()} `)).toMatchObject({
    id: person.userId,
    email: person.email,
  });
  for (const other of ["nobody@example.org", "no address", ""]) expect(await find(other)).toBeUndefined();
});

test("[ACC-57] links that are over are deleted", async () => {
  const [over, open] = [await signUp(here.kernel.http), await signUp(here.kernel.http)];
  await here.db
    .sql`UPDATE email_links SET expires_at = now() - interval '1 second' WHERE user_id = ${over.userId}`;
  await here.db.transaction(deleteOldLinks);
  const rows = await here.db.sql<{ user_id: string }>`
    SELECT user_id FROM email_links WHERE user_id IN (${over.userId}, ${open.userId})`;
  expect(rows).toEqual([expect.objectContaining({ user_id: open.userId })]);
});

test("[ACC-58] without pages of a front end the server has the two that mails link to", async () => {
  const pages = { "/auth/verify": "/api/v1/auth/email/verify", "/auth/reset": "/api/v1/auth/password/reset" };
  for (const [path, call] of Object.entries(pages)) {
    const page = await here.kernel.http.fetch(new Request(`https://stoa.test${path}?utm_source=mail`));
    expect([page.status, page.headers.get("referrer-policy")]).toEqual([200, "no-referrer"]);
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    expect(await page.text()).toContain(`data-call="${call}"`);
  }
});
