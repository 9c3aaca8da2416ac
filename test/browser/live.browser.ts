// The live feed in a real browser: the client, bundled, in a page of another origin, against a real server.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type LiveServer, openLiveServer } from "../../src/modules/live/testing/listener.ts";
import { createProject, logIn, type Person, share, signUp } from "../../src/testing/requests.ts";
import { until } from "../../src/testing/until.ts";
import { openBrowser, servePage } from "./browser.ts";
import { type Gate, openGate } from "./gate.ts";
import type { Seen, Setting } from "./page.ts";

let site: Awaited<ReturnType<typeof servePage>>;
let server: LiveServer;
let gate: Gate;
let browser: Browser;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  browser = await openBrowser();
  site = await servePage(join(import.meta.dir, "page.ts"));
  server = await openLiveServer({ environment: { ALLOWED_ORIGINS: site.origin } });
  gate = await openGate(server.port);
  [ada, ben] = [await signUp(server), await signUp(server)];
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser?.close();
  await gate?.stop();
  await server?.stop();
  await site?.stop();
});

const QUICK_MS = 50;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  look(): Promise<Seen>;
  /** Waits until what the page has seen fits. */
  sees(what: string, fits: (seen: Seen) => boolean): Promise<Seen>;
}

/** A browser of this person's own that follows the project, subscribed. */
async function visit(person: Person, projectId: string, options: Partial<Setting> = {}): Promise<Visitor> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(site.origin);
  const setting = { url: gate.url, token: person.token, projectId, delayMs: QUICK_MS, ...options };
  await page.evaluate(`follow(${JSON.stringify(setting)})`);
  const look = () => page.evaluate<Seen>("seen");
  const sees = (what: string, fits: (seen: Seen) => boolean) =>
    until(
      what,
      async () => {
        const seen = await look();
        return fits(seen) && seen;
      },
      { everyMs: 20 },
    );
  await sees("the subscription", ({ subscribed }) => subscribed === 1);
  return { context, page, look, sees };
}

async function write(projectId: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++)
    await ada.call("PATCH", `/projects/${projectId}`, { name: `${index} ${crypto.randomUUID()}` });
}

test("a page of an allowed origin gets in with a ticket and sees every event in order", async () => {
  const projectId = await createProject(ada);
  const visitor = await visit(ada, projectId);
  await write(projectId, 20);
  const seen = await visitor.sees("the last event", ({ numbers }) => numbers.at(-1) === 21);
  expect(seen).toMatchObject({ state: "open", opened: 1, numbers: range(2, 21), resets: [], errors: [] });
});

test("a page of another origin gets no ticket", async () => {
  const other = await servePage(join(import.meta.dir, "page.ts"));
  const page = await (await browser.newContext()).newPage();
  await page.goto(other.origin);
  const setting = { url: gate.url, token: ada.token, projectId: ada.projectId, delayMs: QUICK_MS };
  const refused = page.waitForEvent("console", (message) => message.text().includes("CORS policy"));
  await page.evaluate(`follow(${JSON.stringify(setting)})`);
  await refused;
  expect((await page.evaluate<Seen>("seen")).opened).toBe(0);
  await other.stop();
});

test("cut again and again while others write, it misses nothing and sees nothing twice", async () => {
  const projectId = await createProject(ada);
  const visitor = await visit(ada, projectId);
  for (let round = 1; round <= 5; round++) {
    const writing = write(projectId, 6);
    gate.cut();
    await writing;
    await visitor.sees("the way back", ({ subscribed }) => subscribed > round);
  }
  const seen = await visitor.sees("the last event", ({ numbers }) => numbers.at(-1) === 31);
  expect(seen).toMatchObject({ numbers: range(2, 31), resets: [] });
  expect(seen.opened).toBeGreaterThan(5);
});

test("a browser that was offline comes back when the network does, and resumes", async () => {
  const projectId = await createProject(ada);
  const visitor = await visit(ada, projectId, { delayMs: 120_000 });
  await visitor.context.setOffline(true);
  gate.cut();
  await visitor.sees("the cut", ({ state }) => state === "waiting");
  await write(projectId, 5);
  expect((await visitor.look()).numbers).toEqual([]);
  await visitor.context.setOffline(false);
  const seen = await visitor.sees("what was missed", ({ numbers }) => numbers.length >= 5);
  expect(seen).toMatchObject({ state: "open", numbers: range(2, 6), resets: [] });
});

test("two pages see each other come, move and go", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "viewer");
  const watcher = await visit(ada, projectId);
  const guest = await visit(ben, projectId);
  const of = ({ presence }: Seen, change: string) => presence.filter((each) => each.change === change);
  await watcher.sees("the guest", (seen) => of(seen, "joined").length === 1);
  for (let x = 1; x <= 30; x++) await guest.page.evaluate(`tell({ cursor: { x: ${x} } })`);
  const moved = await watcher.sees("the last move", (seen) =>
    Bun.deepEquals(of(seen, "updated").at(-1)?.state, { cursor: { x: 30 } }),
  );
  expect(new Set(moved.presence.map(({ user_id }) => user_id))).toEqual(new Set([ben.userId]));
  // The tab is closed, and nothing says goodbye.
  await guest.context.close();
  const left = await watcher.sees("the leave", (seen) => of(seen, "left").length === 1);
  expect(left.presence.map(({ change }) => change).filter((change) => change !== "updated")).toEqual([
    "joined",
    "left",
  ]);
});

test("the end of the session ends the feed for good", async () => {
  const device = await logIn(server, ada.email);
  const visitor = await visit(device, ada.projectId);
  await device.call("POST", "/auth/logout");
  const seen = await visitor.sees("the end", ({ state }) => state === "closed");
  expect(seen).toMatchObject({ opened: 1, errors: ["UNAUTHENTICATED"], ended: ["UNAUTHENTICATED"] });
});
