import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { logIn, send, signUp, TEST_PASSWORD } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

const lines: string[] = [];
/** Of every level, and before anything is cut out: the redaction of the real log is a net, not the promise. */
const log: Logger = createLog({});
const WRONG_PASSWORD = "a password that is not the right one 4711";

let server: TestServer;
let port: string;
beforeAll(async () => {
  const environment = {
    LOG_LEVEL: "debug",
    AUTH_RATE_LIMIT_PER_MINUTE: "0",
    RATE_LIMIT_PER_MINUTE: "0",
    USER_RATE_LIMIT_PER_MINUTE: "0",
  };
  server = await openTestServer({ log, environment });
  await server.kernel.http.start();
  port = new URL(server.kernel.http.address() ?? "").port;
});
afterAll(async () => {
  await server.kernel.http.stop();
  await server.stop();
});

function createLog(bindings: object): Logger {
  const write = (fields: object, message: string) =>
    void lines.push(JSON.stringify({ ...bindings, ...fields, message }, showErrors));
  return {
    debug: write,
    info: write,
    warn: write,
    error: write,
    child: (fields) => createLog({ ...bindings, ...fields }),
    line: (fields) => void lines.push(fields),
  };
}

/** Everything that hangs on an error: what a serialiser may leave out today it may show tomorrow. */
function showErrors(_: string, value: unknown): unknown {
  if (!(value instanceof Error)) return typeof value === "bigint" ? String(value) : value;
  const own = Object.getOwnPropertyNames(value).map((name) => [name, Reflect.get(value, name)]);
  return { name: value.name, ...Object.fromEntries(own) };
}

/** Every row of every table as text: events, jobs, audit, whatever is there. */
async function dump(): Promise<string> {
  const tables = await server.db.sql<{ name: string }>`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`;
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await server.db.sql.unsafe<{ text: string }>(`SELECT t::text AS text FROM "${name}" t`);
      return rows.map((row) => row.text).join("\n");
    }),
  );
  return texts.join("\n");
}

/** A secret in the forms in which it could be written down. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const random = Buffer.from(secret.slice(-43), "base64url");
  return [
    secret,
    // The part that nobody can guess, if the text was cut or redacted before it.
    secret.slice(-40),
    encodeURIComponent(secret),
    bytes.toString("hex"),
    bytes.toString("base64url").slice(0, -2),
    ...(secret.includes(" ") ? [] : [random.toString("hex")]),
  ];
}

test("[ACC-132] no password, token, ticket or cookie is in a log line, a row of the database, a metric or a refusal", async () => {
  const secrets = new Map<string, string>();
  const refusals: string[] = [];
  const call: typeof send = async (...request) => {
    const answer = await send(...request);
    if (answer.status >= 400) refusals.push(JSON.stringify(answer.body));
    return answer;
  };
  const person = await signUp(server);
  const device = await logIn(server, person.email);
  secrets.set("password", TEST_PASSWORD).set("wrong password", WRONG_PASSWORD);
  secrets.set("access token", person.token).set("refresh token", person.refreshToken);
  secrets.set("second access token", device.token).set("second refresh token", device.refreshToken);

  const refresh = (body: unknown, headers = {}) => call(server, "POST", "/auth/refresh", { body, headers });
  const next = await refresh({ refresh_token: person.refreshToken });
  secrets.set("next access token", String(next.body.access_token));
  secrets.set("next refresh token", String(next.body.refresh_token));
  const byCookie = await call(server, "POST", "/auth/login", {
    body: { email: person.email, password: TEST_PASSWORD, refresh_cookie: true },
  });
  const [cookie = ""] = byCookie.headers.get("set-cookie")?.split(";") ?? [];
  secrets
    .set("cookie", cookie.split("=")[1] ?? "")
    .set("cookie's access token", String(byCookie.body.access_token));
  const turned = await refresh({}, { Cookie: cookie });
  expect(turned.status).toBe(200);
  const { ticket } = (await device.call("POST", "/live/tickets")).body;
  secrets.set("ticket", String(ticket));

  // In places where they do not belong, and in requests that fail.
  const query = `token=${device.token}&password=${encodeURIComponent(WRONG_PASSWORD)}`;
  for (const path of [
    "/auth/me",
    "/auth/verify",
    "/auth/sessions",
    "/nowhere",
    `/posts/${device.refreshToken}`,
  ])
    await call(server, "GET", `${path}?${query}&refresh_token=${device.refreshToken}`, {
      token: device.token,
    });
  for (const path of [
    `/${device.token}/${device.refreshToken}`,
    `/${device.refreshToken}`,
    `/go/${ticket}/on`,
  ])
    await call(server, "GET", path, { headers: { Cookie: cookie } });
  await call(server, "POST", "/auth/login", { body: { email: person.email, password: WRONG_PASSWORD } });
  await call(server, "POST", "/auth/signup", { body: { email: person.email, password: TEST_PASSWORD } });
  await call(server, "POST", "/auth/signup", { body: { email: TEST_PASSWORD, password: person.email } });
  await call(server, "POST", "/auth/login", { body: `{"password":"${WRONG_PASSWORD}"` });
  await call(server, "POST", "/auth/login", {
    body: { passwort: device.token, password: [device.refreshToken] },
  });
  await refresh({ refresh_token: `${device.refreshToken}x` });
  await refresh({ refresh_token: device.token });
  await call(server, "GET", "/auth/me", { token: device.refreshToken });
  await call(server, "GET", "/auth/me", { headers: { Authorization: `Basic ${device.token}` } });
  await call(server, "GET", "/auth/me", {
    headers: { "X-Request-Id": device.token, "User-Agent": device.token },
  });
  await fetch(
    `http://127.0.0.1:${port}/api/v1/projects/${person.projectId}/live?access_token=${device.token}x`,
  );
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live?ticket=${ticket}`);
  const isOver = Promise.withResolvers<void>();
  socket.addEventListener("message", () => socket.close());
  socket.addEventListener("close", () => isOver.resolve());
  await isOver.promise;

  await until("the receipts", async () => {
    const rows = await server.db.sql`SELECT FROM sessions WHERE answered_counter < counter`;
    return rows.length === 0;
  });

  // A database that fails in the middle of it: what it says goes into the log as our bug.
  await server.db.sql`ALTER TABLE sessions RENAME TO sessions_away`;
  await call(server, "POST", "/auth/login", { body: { email: person.email, password: TEST_PASSWORD } });
  await refresh({ refresh_token: device.refreshToken });
  await call(server, "POST", "/auth/logout", { token: device.token });
  await server.db.sql`ALTER TABLE sessions_away RENAME TO sessions`;
  expect(lines.filter((line) => line.includes("request failed"))).not.toEqual([]);

  // A reuse with all that follows it: the end, the audit, the mail.
  const third = await refresh({ refresh_token: String(next.body.refresh_token) });
  secrets.set("third refresh token", String(third.body.refresh_token));
  expect((await refresh({ refresh_token: person.refreshToken })).status).toBe(401);
  await device.call("POST", "/auth/logout");

  const metrics = await (await server.fetch(new Request("http://stoa.test/metrics"))).text();
  const places = { log: lines.join("\n"), database: await dump(), metrics, refusals: refusals.join("\n") };
  // They are the places where something would be seen.
  expect(places.log).toContain(person.userId);
  expect(places.database).toContain(person.email);
  expect(places.refusals.length).toBeGreaterThan(1_000);
  for (const [what, secret] of secrets) {
    expect(secret.length, what).toBeGreaterThan(20);
    for (const [place, text] of Object.entries(places))
      for (const form of formsOf(secret))
        expect([what, place, text.includes(form)]).toEqual([what, place, false]);
  }
});
