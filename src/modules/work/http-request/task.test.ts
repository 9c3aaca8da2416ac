import { afterAll, beforeAll, expect, test } from "bun:test";
import { Webhook } from "standardwebhooks";
import { OutboundError } from "../../../kernel/outbound/index.ts";
import { createProject, type Person, share, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";
import { until } from "../../../testing/until.ts";
import { readRetryAfter } from "./retry-after.ts";

interface Seen {
  readonly path: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
  isGone: boolean;
}
const seen: Seen[] = [];
/** What each path answers; the first of several at the first call. */
const script = new Map<string, (() => Response)[]>();

const service = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request): Promise<Response> {
    const { pathname: path } = new URL(request.url);
    const call: Seen = {
      path,
      method: request.method,
      headers: request.headers,
      body: await request.text(),
      isGone: false,
    };
    seen.push(call);
    if (path === "/slow") {
      request.signal.addEventListener("abort", () => {
        call.isGone = true;
      });
      return new Promise<Response>(() => {});
    }
    const answers = script.get(path) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer?.() ?? Response.json({ echo: call.body });
  },
});
const HOST = `127.0.0.1:${service.port}`;
const at = (path: string) => `http://${HOST}${path}`;
const callsTo = (path: string) => seen.filter((call) => call.path === path);

let server: TestServer;
let ada: Person;
let projectId: string;
beforeAll(async () => {
  server = await openTestServer({ environment: { OUTBOUND_ALLOWED_HOSTS: HOST } });
  ada = await signUp(server);
  projectId = await createProject(ada);
});
afterAll(async () => {
  await server.stop();
  await service.stop(true);
});

const submit = (input: object, more: object = {}) =>
  ada.call("POST", "/jobs", { project_id: projectId, task: "http.request", input, ...more });
const get = async (id: string) => (await ada.call("GET", `/jobs/${id}`)).body;
async function run(
  input: object,
  more: object = {},
  isDone = (body: Record<string, unknown>) => body.finished_at !== null,
) {
  const answer = await submit(input, more);
  if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
  const id = String(answer.body.id);
  return until(`the job ${id} to get there`, async () => {
    const body = await get(id);
    return isDone(body) ? body : undefined;
  });
}
const isRetrying = ({ status }: Record<string, unknown>) => status === "retrying";
async function secretOf(project = projectId): Promise<string> {
  return String((await ada.call("GET", `/projects/${project}/signing-secret`)).body.secret);
}

test("[WRK-60] a service is called, and its answer is the job's result", async () => {
  const body = { list: [1, null], text: "Hypatia" };
  const done = await run({ url: at("/work?a=b"), headers: { "X-Mine": "1" }, body });
  expect(done).toMatchObject({
    status: "succeeded",
    attempt: 1,
    result: {
      status: 200,
      headers: { "content-type": expect.stringContaining("application/json") },
      body: { echo: JSON.stringify(body) },
      is_truncated: false,
    },
  });
  const [call] = callsTo("/work");
  expect([call?.method, call?.headers.get("content-type"), call?.headers.get("x-mine")]).toEqual([
    "POST",
    "application/json",
    "1",
  ]);
  expect(call?.headers.get("user-agent")).toMatch(/^Stoa\/\d+\.\d+\.\d+$/);
  for (const method of ["PUT", "PATCH", "DELETE", "GET"]) {
    await run({
      url: at(`/${method}`),
      method,
      headers: { "content-type": "a/b" },
      ...(method === "GET" ? {} : { body }),
    });
    expect([callsTo(`/${method}`)[0]?.method, callsTo(`/${method}`)[0]?.headers.get("content-type")]).toEqual(
      [method, "a/b"],
    );
  }
});

test("[WRK-60] a body that is no JSON is text, one that is too long is cut, what cannot be stored is replaced", async () => {
  const json = { "Content-Type": "application/json" };
  script.set("/none", [() => new Response(null, { status: 204 })]);
  script.set("/text", [() => new Response("plain\0text")]);
  script.set("/latin", [
    () =>
      new Response(Buffer.from("\xe9t\xe9", "latin1"), {
        headers: { "Content-Type": "text/plain; charset=iso-8859-1" },
      }),
  ]);
  script.set("/broken", [() => new Response("{", { headers: json })]);
  script.set("/nul", [() => new Response('{"a":"\\u0000"}', { headers: json })]);
  script.set("/backslash", [() => new Response('{"a":"\\\\u0000"}', { headers: json })]);
  script.set("/deep", [() => new Response("[".repeat(30_000) + "]".repeat(30_000), { headers: json })]);
  script.set("/infinite", [() => new Response("[1e999]", { headers: json })]);
  script.set("/long", [() => new Response("\u0001".repeat(3_000_000))]);
  const resultOf = async (path: string) => (await run({ url: at(path) })).result as Record<string, unknown>;
  expect(await resultOf("/none")).toMatchObject({ status: 204, body: null, is_truncated: false });
  expect(await resultOf("/text")).toMatchObject({ body: "plain\u{FFFD}text" });
  expect(await resultOf("/latin")).toMatchObject({ body: "été" });
  expect(await resultOf("/broken")).toMatchObject({ body: "{" });
  expect(await resultOf("/nul")).toMatchObject({ body: '{"a":"\\u0000"}' });
  expect(await resultOf("/backslash")).toMatchObject({ body: { a: "\\u0000" } });
  expect(await resultOf("/deep")).toMatchObject({ body: "[".repeat(30_000) + "]".repeat(30_000) });
  expect(await resultOf("/infinite")).toMatchObject({ body: "[1e999]" });
  const long = await resultOf("/long");
  expect(long.is_truncated).toBe(true);
  expect(String(long.body).length).toBeWithin(100_000, 170_000);
});

test("[WRK-61] each attempt is signed anew under the job's id, and another's library verifies it", async () => {
  script.set("/signed", [() => new Response("", { status: 500 }), () => Response.json({})]);
  const { id } = await run({ url: at("/signed"), body: { a: "ü" } }, {}, isRetrying);
  await server.db.sql`UPDATE jobs SET run_at = now() WHERE id = ${String(id)}`;
  server.kernel.jobs.wake("normal");
  await until("the second attempt", async () => (await get(String(id))).status === "succeeded");
  const webhook = new Webhook(await secretOf());
  const calls = callsTo("/signed");
  expect(calls).toHaveLength(2);
  for (const { body, headers } of calls) {
    expect(headers.get("webhook-id")).toBe(String(id));
    expect(webhook.verify(body, Object.fromEntries(headers))).toEqual({ a: "ü" });
    expect(() => webhook.verify(`${body} `, Object.fromEntries(headers))).toThrow();
  }
});

test("[WRK-62] the secret is read and changed by the owner, and both sign for a time", async () => {
  const project = await createProject(ada);
  const path = `/projects/${project}/signing-secret`;
  const [first, again] = [await ada.call("GET", path), await ada.call("GET", path)];
  expect(first.body).toEqual(again.body);
  expect({ ...first.body }).toMatchObject({
    secret: expect.stringMatching(/^whsec_[\w+/]{43}=$/),
    previous_expires_at: null,
  });
  expect(first.headers.get("cache-control")).toBe("no-store");
  const second = await ada.call("POST", `${path}/rotate`, {});
  expect(Date.parse(String(second.body.previous_expires_at)) - Date.now()).toBeWithin(86_000_000, 86_500_000);
  const verifies = async (address: string) => {
    await run({ url: at(address), body: 1 }, { project_id: project });
    const call = callsTo(address)[0];
    const headers = Object.fromEntries(call?.headers ?? []);
    const secrets = [first, second].map(({ body }) => String(body.secret));
    return secrets.map((secret) => {
      try {
        return new Webhook(secret).verify(call?.body ?? "", headers);
      } catch {
        return "refused";
      }
    });
  };
  expect(await verifies("/both")).toEqual([1, 1]);
  expect(String(callsTo("/both")[0]?.headers.get("webhook-signature")).split(" ")).toHaveLength(2);
  // What is known to others ends at once.
  await ada.call("POST", `${path}/rotate`, { grace_s: 0 });
  expect(await verifies("/neither")).toEqual(["refused", "refused"]);
  expect((await ada.call("POST", `${path}/rotate`, { grace_s: -1 })).status).toBe(422);
  const kept = await server.db.sql<{ secret: Uint8Array }>`SELECT secret FROM signing_secrets`;
  for (const { secret } of kept) expect(Buffer.from(secret).toString("latin1")).not.toContain("whsec_");
  const audit = await ada.call("GET", `/audit?project_id=${project}`);
  const { items } = audit.body as { items: { action: string }[] };
  expect(items.filter(({ action }) => action === "signing_secret.rotated")).toHaveLength(2);
  expect(JSON.stringify(audit.body)).not.toContain("whsec_");
});

test("[WRK-63] what will not be otherwise fails for good, the rest is tried again", async () => {
  const project = await createProject(ada);
  for (const status of [400, 404, 410, 422, 304]) {
    script.set(`/${status}`, [() => new Response(null, { status })]);
    expect(await run({ url: at(`/${status}`) }, { project_id: project })).toMatchObject({
      status: "failed",
      attempt: 1,
      error: { code: "SERVICE_REFUSED", message: `The service answered with status ${status}.` },
    });
  }
  // They show that the service is well.
  const circuits = () =>
    server.kernel.outbound.breakers.states().filter((each) => each.projectId === project);
  expect(circuits()).toMatchObject([{ name: `http://${HOST}`, state: "closed", failures: 0 }]);
  for (const [status, message] of [
    [409, "The service answered with status 409."],
    [425, "The service answered with status 425."],
    [408, "The service failed: it answered with status 408."],
    [500, "The service failed: it answered with status 500."],
  ] as const) {
    script.set(`/${status}`, [() => new Response(null, { status })]);
    const failed = await run({ url: at(`/${status}`) }, { project_id: project }, isRetrying);
    expect(failed.error).toEqual({ code: "SERVICE_FAILED", message });
    await ada.call("POST", `/jobs/${failed.id}/cancel`);
  }
  expect(circuits()).toMatchObject([{ failures: 2 }]);
});

test("[WRK-63] Retry-After is waited for", async () => {
  for (const status of [429, 503]) {
    script.set(`/later${status}`, [() => new Response("", { status, headers: { "Retry-After": "120" } })]);
    const { id, run_at: runAt } = await run({ url: at(`/later${status}`) }, {}, isRetrying);
    expect(Date.parse(String(runAt)) - Date.now()).toBeWithin(90_000, 125_000);
    await ada.call("POST", `/jobs/${id}/cancel`);
  }
  const now = Date.UTC(2026, 10, 21, 12);
  expect(
    ["7", " 30 ", "Sat, 21 Nov 2026 12:01:00 GMT", "Sat, 21 Nov 2026 11:00:00 GMT"].map((text) =>
      readRetryAfter(text, now),
    ),
  ).toEqual([7, 30, 60, 0]);
  expect(["", "-1", "soon", "1.5", "2026-11-21", null].map((text) => readRetryAfter(text, now))).toEqual(
    Array(6).fill(undefined),
  );
});

test("[WRK-64] addresses that may not be called are refused at once, or fail the job for good", async () => {
  const addresses =
    `http://127.0.0.1/ http://2130706433/ http://0177.0.0.1/ http://[::1]/ http://[::ffff:10.0.0.1]/ http://10.0.0.1/
    http://169.254.169.254/latest ftp://example.com/ http://example.com:8080/ http://u:p@example.com/ nonsense`.split(
      /\s+/,
    );
  for (const url of addresses) {
    const { status, body } = await submit({ url });
    expect([url, status, body.errors]).toEqual([
      url,
      422,
      [{ path: "input.url", message: expect.any(String) }],
    ]);
  }
  // What a name leads to shows only when it is looked up.
  const failed = await run({ url: "http://localhost/" });
  const error = { code: "ADDRESS_REFUSED", message: "The address does not lead to a public server." };
  expect(failed).toMatchObject({ status: "failed", attempt: 1, error });
  script.set("/redirect", [
    () => new Response(null, { status: 307, headers: { Location: "http://[::1]/" } }),
  ]);
  expect(await run({ url: at("/redirect") })).toMatchObject({ status: "failed", attempt: 1, error });
});

test("[WRK-65] headers of the server's own, wrong names and values are refused, each by its name", async () => {
  const headers = {
    Host: "a",
    "content-length": "1",
    Connection: "close",
    Cookie: "a=b",
    "Webhook-Id": "1",
    "Proxy-Authorization": "x",
    "User-Agent": "me",
    "a b": "1",
    Fine: "a\nb",
  };
  const { status, body } = await submit({ url: at("/never"), headers });
  const errors = body.errors as { path: string }[];
  expect(status).toBe(422);
  expect(errors.map(({ path }) => path)).toEqual(Object.keys(headers).map((name) => `input.headers.${name}`));
  for (const wrong of [
    { a: "1", A: "2" },
    { a: "sealed:AAAA" },
    { a: "********" },
    { a: "x".repeat(20_000) },
  ])
    expect((await submit({ url: at("/never"), headers: wrong })).status).toBe(422);
  expect((await submit({ url: at("/never"), method: "GET", body: 1 })).status).toBe(422);
  expect(callsTo("/never")).toEqual([]);
});

test("[WRK-66] values of headers are sent, and found nowhere else", async () => {
  const project = await createProject(ada);
  const ben = await signUp(server);
  await share(ada, project, ben, "viewer");
  const headers = { Authorization: "Bearer hunter2hunter2", "X-Api-Key": "hunter2hunter2" };
  const input = { url: at("/secret"), headers };
  const done = await run(input, { project_id: project });
  expect(callsTo("/secret")[0]?.headers.get("authorization")).toBe(headers.Authorization);
  script.set("/secret-fails", [() => new Response("", { status: 400 })]);
  const failed = await run({ url: at("/secret-fails"), headers }, { project_id: project });
  const made = await ada.call("POST", "/job-schedules", {
    project_id: project,
    task: "http.request",
    input,
    cron: "@yearly",
  });
  expect(made.body.input).toMatchObject({
    url: at("/secret"),
    headers: { Authorization: "********", "X-Api-Key": "********" },
  });
  const schedule = `/job-schedules/${made.body.id}`;
  const changed = await ada.call("PATCH", schedule, { cron: "@daily" });
  const shown = [done, failed, made.body, changed.body];
  for (const path of [
    `/jobs/${done.id}`,
    `/jobs?project_id=${project}`,
    `/jobs/${failed.id}/logs`,
    `/jobs/dead?project_id=${project}`,
    `/job-schedules?project_id=${project}`,
  ])
    shown.push((await ben.call("GET", path)).body);
  const rows = await server.db.sql`
    SELECT input::text FROM jobs UNION ALL SELECT input::text FROM finished_jobs UNION ALL SELECT input::text FROM job_schedules
    UNION ALL SELECT data::text FROM events`;
  expect(JSON.stringify([shown, rows])).not.toContain("hunter2");
  // It still runs after the change, with what was kept.
  await server.db.sql`UPDATE job_schedules SET next_at = now() WHERE id = ${String(made.body.id)}`;
  const [, , second] = await until("the schedule's call", () => {
    const calls = callsTo("/secret");
    return calls.length > 1 ? [0, 0, calls[1]] : undefined;
  });
  expect((second as Seen).headers.get("x-api-key")).toBe("hunter2hunter2");
});

test("[WRK-67] a cancelled job's call ends, and so does one whose time is over", async () => {
  const submitted = await submit({ url: at("/slow") });
  const call = await until("the call", () => callsTo("/slow")[0]);
  await ada.call("POST", `/jobs/${submitted.body.id}/cancel`);
  await until("the end of the call", () => call.isGone);
  await until(
    "the end of the job",
    async () => (await get(String(submitted.body.id))).status === "cancelled",
  );
  const { error, id } = await run({ url: at("/slow") }, { timeout_s: 1 }, isRetrying);
  expect(error).toMatchObject({ code: "JOB_TIMED_OUT" });
  await until("the end of the second call", () => callsTo("/slow")[1]?.isGone);
  await ada.call("POST", `/jobs/${id}/cancel`);
});

test("[WRK-68] while the circuit is open jobs wait and burn no attempt; other projects are not concerned", async () => {
  const project = await createProject(ada);
  const { breakers } = server.kernel.outbound;
  for (let n = 0; n < 5; n++)
    await breakers
      .run(`http://${HOST}`, () => Promise.reject(new OutboundError("it is down")), project)
      .catch(() => {});
  const waiting = await run(
    { url: at("/open") },
    { project_id: project },
    ({ waits_for }) => waits_for !== null,
  );
  expect(waiting).toMatchObject({ attempt: 0, finished_at: null, waits_for: { code: "CIRCUIT_OPEN" } });
  expect(Date.parse(String(waiting.run_at)) - Date.now()).toBeWithin(30_000, 65_000);
  expect(callsTo("/open")).toEqual([]);
  expect(await run({ url: at("/open") })).toMatchObject({ status: "succeeded" });
});
