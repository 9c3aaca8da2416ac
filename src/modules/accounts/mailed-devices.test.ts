import { afterAll, beforeAll, expect, test } from "bun:test";
import { send, signUp, TEST_PASSWORD } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import type { Device } from "./actions/sessions.ts";
import { fingerprint } from "./device.ts";
import { createAccountMails } from "./mails.ts";
import { type MailedAccounts, openMailedAccounts } from "./testing/mailed-accounts.ts";

let here: MailedAccounts;
beforeAll(async () => {
  here = await openMailedAccounts();
});
afterAll(() => here.close());

const SIGNED_IN = /^A new device has signed in$/;

const logIn = async (email: string, userAgent: string, password = TEST_PASSWORD) =>
  (
    await send(here.kernel.http, "POST", "/auth/login", {
      body: { email, password },
      headers: { "User-Agent": userAgent },
    })
  ).status;

test("[ACC-52] a log-in from a device that was never seen is told by mail, the first one and known ones are not", async () => {
  // Signing up logs in too: the first device, which has no name.
  const person = await signUp(here.kernel.http);
  expect(await logIn(person.email, "Firefox on Linux")).toBe(200);
  const mail = await here.smtp.next(person.email, SIGNED_IN);
  expect(mail.text).toContain("Program: Firefox on Linux\n");
  expect(mail.text).toContain("Address: 127.0.0.1\n");
  expect(await logIn(person.email, "Firefox on Linux")).toBe(200);
  expect(await logIn(person.email, "Stranger", "not the password")).toBe(401);
  expect(await logIn(person.email, "Safari on a phone")).toBe(200);
  expect((await here.smtp.next(person.email, SIGNED_IN)).text).toContain("Safari");
  await until("all mails to be gone", async () => (await here.db.sql`SELECT FROM mails`).length === 0);
  const told = here.smtp.mails.filter(({ headers }) => SIGNED_IN.test(headers.subject ?? ""));
  expect(told.map(({ recipients }) => recipients)).toEqual([[person.email], [person.email]]);
});

test("[ACC-52] a device is a user agent in a network: of IPv6 the /64, of IPv4 the address", () => {
  const same = (a: Device, b: Device) => Buffer.from(fingerprint(a)).equals(fingerprint(b));
  const at = (address: string, userAgent: string | null = "Firefox"): Device => ({ address, userAgent });
  expect(same(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"))).toBe(true);
  expect(same(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"))).toBe(false);
  expect(same(at("192.0.2.1"), at("192.0.2.1"))).toBe(true);
  expect(same(at("192.0.2.1"), at("192.0.2.2"))).toBe(false);
  expect(same(at("192.0.2.1"), at("192.0.2.1", "Safari"))).toBe(false);
  expect(same(at("192.0.2.1", null), at("192.0.2.1", null))).toBe(true);
});

test("[ACC-55] nothing that a stranger writes makes a line or a link in a mail", () => {
  const mails = createAccountMails({ publicUrl: "https://stoa.test", pagesUrl: "https://stoa.test/auth" });
  const userAgent = `Firefox\r\nBcc: eve@example.org https://evil.test www.evil.test ${"x".repeat(400)}\u202e`;
  const { text } = mails.newDevice("ada@example.org", { userAgent, address: "192.0.2.1" }, new Date(0));
  const line = text.split("\n").find((each) => each.startsWith("Program:"));
  expect(line).toStartWith("Program: Firefox  Bcc: eve@example.org https evil.test  evil.test xxx");
  expect(line?.length).toBeLessThan(140);
  expect(text).toContain("Time: 1970-01-01 00:00 UTC\nAddress: 192.0.2.1\n");
  expect(mails.newDevice("a@b.test", { userAgent: null, address: "::1" }, new Date(0)).text).toContain(
    "it did not say",
  );
});
