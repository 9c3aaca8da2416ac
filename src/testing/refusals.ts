// The shared refusal suite: every route that is not public, asked by everyone who must not get in, in one table a module.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { createTestClock } from "./clock.ts";
import { listEvents } from "./expectations.ts";
import { testKeyRefusals } from "./key-refusals.ts";
import {
  type Answer,
  type Answering,
  createProject,
  logIn,
  type Person,
  send,
  share,
  signUp,
} from "./requests.ts";
import { openTestServer, type TestServer } from "./server.ts";

/** A fresh project with somebody in each role, and somebody outside. */
export interface Scene {
  readonly server: Answering;
  readonly projectId: string;
  readonly owner: Person;
  readonly collaborator: Person;
  readonly viewer: Person;
  readonly stranger: Person;
}

export interface SampleRequest {
  /** With real ids: /paragraphs/0190…?limit=1. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RefusalCase {
  /** The least role that may; `signed in` for what belongs to no project. */
  readonly least: "owner" | "collaborator" | "viewer" | "signed in";
  /** Code that a stranger gets: of the thing asked for. Default PROJECT_NOT_FOUND. */
  readonly notFound?: string;
  /** A write, and so refused in an archived project. */
  readonly isWrite?: boolean;
  /** A request that the least role may make with success; makes what it names first. */
  request(scene: Scene): SampleRequest | Promise<SampleRequest>;
  /** Anyone may do it to himself: done by a new person, since it would sign the owner out. */
  readonly isOfAnyone?: boolean;
}

export interface RefusalSuite {
  /** Number of the rule that the module's suite proves. */
  readonly rule: string;
  /** Tags of the routes: each one that is not public must have a case. */
  readonly tags: readonly string[];
  /** By operationId. */
  readonly cases: Readonly<Record<string, RefusalCase>>;
}

interface Refused {
  readonly status: number;
  readonly code: string;
  /** Who asks, by name. */
  readonly tokens: (scene: Scene) => Readonly<Record<string, string | undefined>>;
  readonly isArchived?: boolean;
}

const ROLES = ["viewer", "collaborator", "owner"] as const;
const TOKEN_LIFE_MS = 1_800_000;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Makes the tests. Call it once, from the module's refusals.test.ts. */
export function testRefusals({ rule, tags, cases }: RefusalSuite): void {
  const clock = createTestClock();
  let server: TestServer;
  let people: Omit<Scene, "server" | "projectId">;
  let badTokens: Readonly<Record<string, string>>;

  beforeAll(async () => {
    server = await openTestServer({ clock, works: false });
    const [owner, collaborator, viewer, stranger] = [
      await signUp(server),
      await signUp(server),
      await signUp(server),
      await signUp(server),
    ];
    people = { owner, collaborator, viewer, stranger };
    badTokens = await makeBadTokens(owner);
  });
  afterAll(() => server.stop());

  /** Of the owner, so that nothing but the token itself can be what refuses it. */
  async function makeBadTokens(owner: Person): Promise<Record<string, string>> {
    clock.turn(-TOKEN_LIFE_MS - 1_000);
    const { token: ended } = await logIn(server, owner.email);
    clock.turn(TOKEN_LIFE_MS + 1_000);
    const signedOut = await logIn(server, owner.email);
    await signedOut.call("POST", "/auth/logout");
    const text = owner.token.slice(0, owner.token.lastIndexOf("."));
    const { privateKey } = generateKeyPairSync("ed25519");
    const foreign = `${text}.${sign(null, Buffer.from(text), privateKey).toString("base64url")}`;
    return {
      garbage: "garbage",
      ended,
      "of another key": foreign,
      "signed out": signedOut.token,
      "refresh token": owner.refreshToken,
    };
  }

  async function createScene(): Promise<Scene> {
    const projectId = await createProject(people.owner);
    await share(people.owner, projectId, people.collaborator, "collaborator");
    await share(people.owner, projectId, people.viewer, "viewer");
    return { server, projectId, ...people };
  }

  function ask(operationId: string, request: SampleRequest, token?: string): Promise<Answer> {
    const route = server.routes.find((each) => each.spec.operationId === operationId);
    if (!route) throw new Error(`no route is called ${operationId}: correct the case`);
    const { path, body, headers = {} } = request;
    return send(server, route.spec.method, path, { token, body, headers });
  }

  /** Each of them asks the same in a fresh scene and is refused alike, and nothing of it enters the project's log. */
  async function expectRefused(name: string, sample: RefusalCase, refused: Refused): Promise<void> {
    const { status, code, tokens, isArchived } = refused;
    const scene = await createScene();
    const request = await sample.request(scene);
    if (isArchived) await scene.owner.call("PATCH", `/projects/${scene.projectId}`, { status: "archived" });
    const before = await listEvents(server.db.sql, scene.projectId);
    for (const [who, token] of Object.entries(tokens(scene))) {
      const answer = await ask(name, request, token);
      expect([who, answer.status, answer.body.code]).toEqual([who, status, code]);
      expect(answer.headers.get("Content-Type")).toStartWith("application/problem+json");
      if (status === 401) expect(answer.headers.get("WWW-Authenticate")).toStartWith("Bearer");
    }
    expect(await listEvents(server.db.sql, scene.projectId)).toEqual(before);
  }

  test(`[${rule}] each route that is not public has a case, and each case a route`, () => {
    const closed = server.routes.filter(({ spec }) => spec.access !== "public" && tags.includes(spec.tag));
    expect(closed.map(({ spec }) => spec.operationId).sort()).toEqual(Object.keys(cases).sort());
  });

  describe.each(Object.entries(cases))("%s", (name, sample) => {
    const { least, notFound = "PROJECT_NOT_FOUND" } = sample;

    test(`[${rule}] nobody, and no token that is not good, gets in`, () =>
      expectRefused(name, sample, {
        status: 401,
        code: "UNAUTHENTICATED",
        tokens: () => ({ nobody: undefined, ...badTokens }),
      }));

    if (least !== "signed in") {
      test(`[${rule}] a stranger is told that it is not there`, () =>
        expectRefused(name, sample, {
          status: 404,
          code: notFound,
          tokens: ({ stranger }) => ({ stranger: stranger.token }),
        }));
    }

    if (least === "collaborator" || least === "owner") {
      const lesser = ROLES.slice(0, ROLES.indexOf(least));
      test(`[${rule}] a lesser role is refused`, () =>
        expectRefused(name, sample, {
          status: 403,
          code: "PROJECT_FORBIDDEN",
          tokens: (scene) => Object.fromEntries(lesser.map((role) => [role, scene[role].token])),
        }));
    }

    if (sample.isWrite) {
      test(`[${rule}] an archived project takes no such change`, () =>
        expectRefused(name, sample, {
          status: 409,
          code: "PROJECT_ARCHIVED",
          tokens: ({ owner }) => ({ owner: owner.token }),
          isArchived: true,
        }));
    }

    testKeyRefusals({ rule, operationId: name, sample, server: () => server, createScene, ask });

    test(`[${rule}] who may gets in, and by no other id`, async () => {
      const scene = await createScene();
      const request = await sample.request(scene);
      const [address = "", query] = request.path.split("?");
      for (const [id] of address.matchAll(UUID)) {
        for (const other of [crypto.randomUUID(), "nonsense"]) {
          const path = [address.replace(id, other), query].filter(Boolean).join("?");
          const answer = await ask(name, { ...request, path }, scene.owner.token);
          expect([path, answer.status]).toEqual([path, 404]);
        }
      }
      // A device of its own, since a case may sign it out.
      const device = () => (sample.isOfAnyone ? signUp(server) : logIn(server, scene.owner.email));
      const person = least === "signed in" ? await device() : scene[least];
      const answer = await ask(name, request, person.token);
      expect([answer.body.code, answer.status < 300]).toEqual([undefined, true]);
    });
  });
}
