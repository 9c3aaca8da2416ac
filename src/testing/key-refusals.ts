// The shared refusal suite's part about API keys: each route that is not public, asked by keys that must not get in.
import { expect, test } from "bun:test";
import type { Route } from "../kernel/http/index.ts";
import { listEvents } from "./expectations.ts";
import type { RefusalCase, SampleRequest, Scene } from "./refusals.ts";
import { type Answer, createProject, type Person } from "./requests.ts";
import type { TestServer } from "./server.ts";

export interface KeyRefusals {
  readonly rule: string;
  readonly operationId: string;
  readonly sample: RefusalCase;
  readonly server: () => TestServer;
  readonly createScene: () => Promise<Scene>;
  readonly ask: (operationId: string, request: SampleRequest, token?: string) => Promise<Answer>;
}

/** Scopes that together allow much, but nothing of one kind of thing. */
const ALL_BUT: Readonly<Record<string, readonly string[]>> = {
  paragraphs: ["projects:read", "jobs:read", "posts:write"],
  posts: ["projects:read", "jobs:read", "paragraphs:write"],
  collections: ["projects:read", "jobs:read", "paragraphs:write"],
  jobs: ["projects:read", "paragraphs:write", "posts:write"],
};
const ALL_BUT_PROJECTS = ["jobs:read", "paragraphs:write", "posts:write"];

/** Makes the key's text. */
export async function makeKey(
  owner: Person,
  projectId: string,
  scopes: readonly string[],
  more: object = {},
): Promise<string> {
  const body = { name: "Robot", scopes, project_id: projectId, ...more };
  const answer = await owner.call("POST", "/api-keys", body);
  if (answer.status !== 201) throw new Error(`key: ${answer.status} ${JSON.stringify(answer.body)}`);
  return String(answer.body.key);
}

/** Scopes that must not be enough, as many as there are; reading never is where the case says that it writes. */
function scopesWithout(permission: string, isWrite = false): readonly string[] {
  const all = ALL_BUT[permission.split(".")[0] ?? ""] ?? ALL_BUT_PROJECTS;
  return isWrite ? ["read", ...all] : all;
}

export function testKeyRefusals({ rule, operationId, sample, server, createScene, ask }: KeyRefusals): void {
  const specOf = (): Route["spec"] => {
    const found = server().routes.find(({ spec }) => spec.operationId === operationId);
    if (!found) throw new Error(`no route is called ${operationId}`);
    return found.spec;
  };

  test(`[${rule}] an API key gets in where the route takes keys, with its permission, in its project`, async () => {
    const scene = await createScene();
    const { owner, projectId } = scene;
    const { access, permission = "" } = specOf();
    const outcome = async (request: SampleRequest, key: string) => {
      const before = await listEvents(server().db.sql, projectId);
      const { status, body } = await ask(operationId, request, key);
      if (status >= 400) expect(await listEvents(server().db.sql, projectId)).toEqual(before);
      return status < 300 ? "allowed" : `${status} ${body.code}`;
    };
    // What it names was made by a member other than the owner, for whom the key acts: his own must be made by him.
    const request = await sample.request({ ...scene, collaborator: owner });
    const able = await makeKey(owner, projectId, ["write"]);
    if (access !== "user or key") {
      expect(await outcome(request, able)).toBe("403 KEY_NOT_ALLOWED");
      return;
    }
    const unable = await makeKey(owner, projectId, scopesWithout(permission, sample.isWrite));
    const elsewhere = await makeKey(owner, await createProject(owner), ["write"]);
    expect(await outcome(request, unable)).toBe("403 KEY_SCOPE_MISSING");
    expect(await outcome(request, elsewhere)).toBe(`404 ${sample.notFound ?? "PROJECT_NOT_FOUND"}`);
    expect(await outcome(request, able)).toBe("allowed");
  });
}
