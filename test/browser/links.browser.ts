// What mails link to, in a real browser: the address is confirmed, a new password is chosen.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { type LiveServer, openLiveServer } from "../../src/modules/live/testing/listener.ts";
import { openMailServer, type ReceivedMail, type TestMailServer } from "../../src/testing/mail-server.ts";
import { type Person, send, signUp } from "../../src/testing/requests.ts";
import { openBrowser } from "./browser.ts";

let smtp: TestMailServer;
let server: LiveServer;
let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
  smtp = await openMailServer();
  server = await openLiveServer({ works: true, environment: smtp.environment });
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await smtp?.stop();
});

/** The link of a mail, on the port that this server has in the test. */
async function openLink(mail: ReceivedMail): Promise<{ page: Page; complaints: string[] }> {
  const [link = ""] = mail.text.match(/^http\S+#token=\S+$/m) ?? [];
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(link.replace(/^http:\/\/[^/]+/, `http://127.0.0.1:${server.port}`));
  expect(new URL(page.url()).hash).toBe("");
  return { page, complaints };
}

const outcome = (page: Page, text: RegExp) => page.getByText(text).waitFor();
const isVerified = async (person: Person) => (await person.call("GET", "/auth/me")).body.email_verified;

test("the address is confirmed by a click, and not before", async () => {
  const person = await signUp(server);
  const { page, complaints } = await openLink(await smtp.next(person.email, /^Confirm your address$/));
  expect(await isVerified(person)).toBe(false);
  await page.getByRole("button", { name: "Confirm" }).click();
  await outcome(page, /address is confirmed/);
  expect(await isVerified(person)).toBe(true);
  expect(complaints).toEqual([]);
});

test("a new password is chosen; one that is too easy says why, and the link is still good", async () => {
  const person = await signUp(server);
  await send(server, "POST", "/auth/password/forgot", { body: { email: person.email } });
  const { page } = await openLink(await smtp.next(person.email, /^Choose a new password$/));
  await page.getByLabel("New password").fill("password12");
  await page.getByRole("button").click();
  await outcome(page, /common|guess/);
  await page.getByLabel("New password").fill("loud granite colonnade");
  await page.getByRole("button").click();
  await outcome(page, /password is set/);
  const body = { email: person.email, password: "loud granite colonnade" };
  expect((await send(server, "POST", "/auth/login", { body })).status).toBe(200);
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
});

test("a link without its token says so", async () => {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.port}/auth/reset`);
  await outcome(page, /not complete/);
  expect(await page.getByRole("button").isVisible()).toBe(false);
});
