import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createTestClock } from "./testing/clock.ts";
import { type Description, type Operation, readDescription, sampleOf } from "./testing/description.ts";
import { fixtures, type RouteLine, routeLines } from "./testing/every-route.ts";
import { listEvents } from "./testing/expectations.ts";
import type { Scene } from "./testing/refusals.ts";
import { type Answer, createProject, logIn, type Person, send, share, signUp } from "./testing/requests.ts";
import { openTestServer, type TestServer } from "./testing/server.ts";
import { type BadAuthorizations, makeBadAuthorizations } from "./testing/strangers.ts";
import { until } from "./testing/until.ts";

const TABLE = "src/testing/every-route.ts";
/** Pages for browsers, which the description leaves out. */
const PAGES = ["showVerifyPage", "showResetPage", "getLinkPageScript", "showFrontPage"];
const ROLES = ["viewer", "collaborator", "owner"] as const;
/** Of tests that sign in more often than a person would. */
const UNLIMITED = {
  AUTH_RATE_LIMIT_PER_MINUTE: "0",
  RATE_LIMIT_PER_MINUTE: "0",
  USER_RATE_LIMIT_PER_MINUTE: "0",
};

const clock = createTestClock();
let server: TestServer;
let port: string;
let description: Description;
let people: Omit<Scene, "server" | "projectId">;
let bad: BadAuthorizations;
let shared: Promise<Scene> | undefined;
beforeAll(async () => {
  server = await openTestServer({ clock, works: false, environment: UNLIMITED });
  await server.kernel.http.start();
  port = new URL(server.kernel.http.address() ?? "").port;
  description = await readDescription(server);
  const [owner, collaborator, viewer, stranger] = [
    await signUp(server),
    await signUp(server),
    await signUp(server),
    await signUp(server),
  ];
  people = { owner, collaborator, viewer, stranger };
  bad = await makeBadAuthorizations(server, owner, clock);
});
afterAll(async () => {
  await server.kernel.http.stop();
  await server.stop();
});

async function createScene(): Promise<Scene> {
  const projectId = await createProject(people.owner);
  await share(people.owner, projectId, people.collaborator, "collaborator");
  await share(people.owner, projectId, people.viewer, "viewer");
  return { server, projectId, ...people };
}

interface Sample {
  readonly method: string;
  /** With the ids of real things. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

function operationOf(name: string): Operation {
  const operation = description.operations.find((each) => each.operationId === name);
  if (!operation) throw new Error(`the server has no operation ${name}: take its line out of ${TABLE}`);
  return operation;
}

/** The path with a real thing for each parameter; the things are made in the scene's project. */
async function fillPath(path: string, scene: Scene): Promise<string> {
  let filled = "";
  for (const segment of path.split("/").slice(1)) {
    const kind = filled.split("/").filter(isNotId).at(-1) ?? "";
    const make = fixtures[kind];
    if (segment.startsWith("{") && !make) {
      throw new Error(
        `${path}: nothing in ${TABLE} makes what stands behind /${kind}/; add a fixture "${kind}"`,
      );
    }
    filled += `/${segment.startsWith("{") ? await make?.(scene, filled) : segment}`;
  }
  return filled;
}

const isNotId = (segment: string) => !/^(?:[0-9a-f]{8}-.*|\d+)$/.test(segment);

/** A request that succeeds for whoever may: of the description's schemas, and of what the table adds. */
async function sampleRequest(name: string, line: RouteLine, scene: Scene): Promise<Sample> {
  const { method, path, parameters, requestBody } = operationOf(name);
  const known = { project_id: scene.projectId };
  const wanted = parameters.filter(
    (each) => each.in === "query" && (each.required || each.name === "project_id"),
  );
  const query = Object.fromEntries(
    wanted.map((each) => [
      each.name,
      each.name in known ? scene.projectId : String(sampleOf(each.schema, description.schemas)),
    ]),
  );
  const filled = await fillPath(path, scene);
  await line.before?.(scene, filled);
  const json = requestBody?.content["application/json"]?.schema;
  const type = json ? "application/json" : Object.keys(requestBody?.content ?? {})[0];
  const fromSchema = json ? sampleOf(json, description.schemas, known) : type && "A text.";
  return {
    method,
    path: filled,
    query: { ...query, ...line.query },
    body: line.body ? line.body(scene) : fromSchema,
    headers: { ...(type ? { "Content-Type": type } : {}), ...line.headers },
  };
}

async function ask({ method, path, query, body, headers }: Sample, authorization?: string): Promise<Answer> {
  const text = new URLSearchParams(query).toString();
  const abort = new AbortController();
  const own = authorization === undefined ? headers : { ...headers, Authorization: authorization };
  const fetch = async (request: Request) => {
    const response = await server.fetch(new Request(request, { signal: abort.signal }));
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
    // It would not end by itself.
    await response.body?.cancel();
    return new Response(null, response);
  };
  return send({ fetch }, method, text ? `${path}?${text}` : path, { body, headers: own });
}

const askAs = (sample: Sample, { token }: Pick<Person, "token">) => ask(sample, `Bearer ${token}`);

/** A refusal as it must be, and nothing of the request has entered the project's log. */
async function expectRefused(scene: Scene, status: number, code: RegExp, asking: () => Promise<Answer>) {
  const before = await listEvents(server.db.sql, scene.projectId);
  const answer = await asking();
  expect([answer.status, answer.body.code]).toEqual([status, expect.stringMatching(code)]);
  expect(answer.headers.get("Content-Type")).toStartWith("application/problem+json");
  if (status === 401) expect(answer.headers.get("WWW-Authenticate")).toStartWith("Bearer");
  expect(await listEvents(server.db.sql, scene.projectId)).toEqual(before);
}

test("[HTTP-60] every operation of the server is in the table of who may, and says the same", () => {
  const problems = description.operations.flatMap(({ operationId, method, path, security, responses }) => {
    const line = routeLines[operationId];
    const name = `${method} ${path} (${operationId})`;
    if (!line) {
      return [
        `${name}: no line in ${TABLE}; add who may at least: ${operationId}: { least: "signed in" } or "viewer", "collaborator", "owner", or "public" for anybody`,
      ];
    }
    const asksNobody = line.least === "public";
    if (asksNobody !== (security.length === 0))
      return [`${name}: is ${asksNobody ? "closed" : "public"} in the description, but not in ${TABLE}`];
    if ("101" in responses !== (line.by === "websocket"))
      return [`${name}: a WebSocket has by: "websocket" in ${TABLE}`];
    return [];
  });
  expect(problems).toEqual([]);
  const names = new Set(description.operations.map(({ operationId }) => operationId));
  expect(Object.keys(routeLines).filter((name) => !names.has(name))).toEqual([]);
  const undescribed = server.routes.filter(({ spec }) => !names.has(spec.operationId));
  expect(undescribed.map(({ spec }) => spec.operationId)).toEqual(PAGES);
});

const closed = Object.entries(routeLines).filter(
  ([, line]) => line.least !== "public" && line.by !== "websocket",
);
const ofProject = closed.filter(([, line]) => line.least !== "signed in");

describe.each(closed)("%s", (name, line) => {
  test("[HTTP-61] nobody without a good token", async () => {
    // One scene for all: nothing of it happens.
    shared ??= createScene();
    const scene = await shared;
    const sample = await sampleRequest(name, line, scene);
    for (const [who, authorization] of Object.entries(bad)) {
      await expectRefused(scene, 401, /^UNAUTHENTICATED$/, () => ask(sample, authorization)).catch(
        (error) => {
          throw new Error(`${who}: ${error}`);
        },
      );
    }
  });
});

describe.each(ofProject)("%s", (name, line) => {
  test("[HTTP-62] a stranger is told that it is not there, a lesser role that it may not, the least role gets in", async () => {
    const scene = await createScene();
    const sample = await sampleRequest(name, line, scene);
    await expectRefused(scene, 404, /_NOT_FOUND$/, () => askAs(sample, scene.stranger));
    const roles: readonly string[] = ROLES;
    const least = roles.indexOf(line.least);
    for (const role of ROLES.slice(0, least)) {
      if (line.mayToOneself && sample.path.endsWith(scene[role].userId)) continue;
      await expectRefused(scene, 403, /_FORBIDDEN$/, () => askAs(sample, scene[role]));
    }
    const answer = await askAs(sample, scene[ROLES[least] ?? "owner"]);
    expect([answer.status < 300, answer.body.code]).toEqual([true, undefined]);
  });

  test("[HTTP-63] nor does another project's name help, in the path, the query or the body", async () => {
    const scene = await createScene();
    const theirs = await createProject(scene.stranger);
    const sample = await sampleRequest(name, line, scene);
    const variants = wrongProjects(sample, scene.projectId, [theirs, crypto.randomUUID()]);
    const mixed = await mixedPath(name, scene);
    if (mixed) variants.push({ ...sample, path: mixed });
    for (const variant of variants)
      await expectRefused(scene, 404, /_NOT_FOUND$/, () => askAs(variant, scene.owner));
    // A thing by its own id: the stranger has been sent away from it above.
    const namesProject = JSON.stringify(sample).includes(scene.projectId);
    expect(variants.length > 0).toBe(namesProject || mixed !== undefined);
  });

  test("[HTTP-64] an archived project takes no change, and is read as before", async () => {
    const scene = await createScene();
    const sample = await sampleRequest(name, line, scene);
    await scene.owner.call("PATCH", `/projects/${scene.projectId}`, { status: "archived" });
    // Every change asks for more than a viewer.
    const isChange = sample.method !== "GET" && line.least !== "viewer";
    if (isChange && !line.worksArchived)
      return expectRefused(scene, 409, /^PROJECT_ARCHIVED$/, () => askAs(sample, scene.owner));
    const answer = await askAs(sample, scene.owner);
    expect([answer.status < 300, answer.body.code]).toEqual([true, undefined]);
  });
});

function wrongProjects(sample: Sample, right: string, wrong: readonly string[]): Sample[] {
  if (!JSON.stringify(sample).includes(right)) return [];
  return wrong.map((id) => JSON.parse(JSON.stringify(sample).replaceAll(right, id)) as Sample);
}

/** A path of two things, the second of which is in another project of the same owner. */
async function mixedPath(name: string, scene: Scene): Promise<string | undefined> {
  const { path } = operationOf(name);
  const [first, second, ...more] = path.match(/\{\w+\}/g) ?? [];
  if (!first || !second || more.length > 0 || path.includes("{version}") || path.includes("{user_id}"))
    return undefined;
  const elsewhere = await createScene();
  const here = (await fillPath(path, scene)).split("/");
  const there = (await fillPath(path, elsewhere)).split("/");
  const last = path.split("/").indexOf(second);
  return here.map((segment, index) => (index === last ? there[index] : segment)).join("/");
}

test("[HTTP-62] who is signed in gets in where no project is asked for", async () => {
  for (const [name, line] of closed.filter(([, each]) => each.least === "signed in")) {
    const scene = await createScene();
    const sample = await sampleRequest(name, line, scene);
    // An account of its own, since some of them sign everybody out.
    const person = line.isOfOwner ? scene.owner : await signUp(server);
    const answer = await askAs(sample, person);
    expect([name, answer.status < 300, answer.body.code]).toEqual([name, true, undefined]);
  }
});

const sockets = Object.entries(routeLines).filter(([, line]) => line.by === "websocket");

test.each(sockets)(
  "[HTTP-65] the WebSocket %s takes in nobody without a good token, whichever way it comes",
  async (name) => {
    shared ??= createScene();
    const address = `ws://127.0.0.1:${port}${await fillPath(operationOf(name).path, await shared)}`;
    for (const [who, authorization] of Object.entries(bad)) {
      const token = authorization?.replace(/^Bearer /, "") ?? "";
      const ways: Record<string, () => WebSocket> = {
        header: () =>
          new WebSocket(address, authorization ? { headers: { Authorization: authorization } } : {}),
        query: () => new WebSocket(`${address}?access_token=${encodeURIComponent(token)}`),
        frame: () => new WebSocket(address),
      };
      // Without a header the socket waits for the first frame, which is the third way.
      if (authorization === undefined) delete ways.header;
      for (const [way, open] of Object.entries(ways)) {
        expect([who, way, await closeCode(open(), way === "frame" ? token : undefined)]).toEqual([
          who,
          way,
          4401,
        ]);
      }
    }
    const { token } = await logIn(server, people.owner.email);
    const right = new WebSocket(address, { headers: { Authorization: `Bearer ${token}` } });
    const welcome = Promise.withResolvers<unknown>();
    right.addEventListener("message", ({ data }) => welcome.resolve(data));
    const first = await welcome.promise;
    if (typeof first === "string") expect(first).toContain(people.owner.userId);
    else expect(first).toBeInstanceOf(Buffer);
    right.close();
  },
);

async function closeCode(socket: WebSocket, firstFrameToken?: string): Promise<number> {
  let code: number | undefined;
  socket.addEventListener("close", (event) => {
    code = event.code;
  });
  socket.addEventListener("open", () => {
    if (firstFrameToken !== undefined)
      socket.send(JSON.stringify({ type: "hello", token: firstFrameToken || " " }));
  });
  return until("the close", () => code);
}
