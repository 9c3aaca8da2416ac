import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, send, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { type Permission, permissions } from "./policy.ts";

const ROLES = ["owner", "collaborator", "viewer", "stranger", "nobody"] as const;
type Who = (typeof ROLES)[number];

interface Cell {
  /** What the table must allow; undefined where an account is all that is needed. */
  readonly permission: Permission | undefined;
  readonly status: number;
  /** Where it is refused for another reason than the role. */
  readonly otherwise?: Partial<Record<Who, number>>;
  /** Path under the project unless it begins with a slash, and the body. */
  request(projectId: string, asker: Person): Promise<readonly [path: string, body?: unknown]>;
}

let server: TestServer;
let people: Record<Exclude<Who, "nobody">, Person>;
let other: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  const [owner, collaborator, viewer, stranger, last] = [
    await signUp(server),
    await signUp(server),
    await signUp(server),
    await signUp(server),
    await signUp(server),
  ];
  people = { owner, collaborator, viewer, stranger };
  other = last;
  await server.db.sql`UPDATE users SET email_verified_at = now()`;
});
afterAll(() => server.stop());

async function invite(by: Person, projectId: string, email: string): Promise<unknown> {
  const body = { email, role: "viewer" };
  return (await by.call("POST", `/projects/${projectId}/collaborators`, body)).body.invitation_id;
}

const invitedByAnother = async (asker: Person) => invite(other, await createProject(other), asker.email);

const cell = (
  permission: Permission | undefined,
  status: number,
  request: Cell["request"] | readonly [path: string, body?: unknown],
  otherwise: Cell["otherwise"] = {},
): Cell => ({
  permission,
  status,
  otherwise,
  request: typeof request === "function" ? request : async () => request,
});

/** By operationId, with what tells two uses of one route apart behind a colon. */
const CELLS: Record<string, Cell> = {
  listProjects: cell(undefined, 200, ["/projects"]),
  "listProjects: deleted": cell(undefined, 200, ["/projects?deleted=true"]),
  createProject: cell(undefined, 201, ["/projects", { name: "Agora" }]),
  getProject: cell("project.read", 200, [""]),
  "changeProject: name": cell("project.update", 200, ["", { name: "Agora" }]),
  "changeProject: status": cell("project.archive", 200, ["", { status: "archived" }]),
  deleteProject: cell("project.delete", 204, [""]),
  restoreProject: cell("project.restore", 200, ["/restore"]),
  "restoreProject: deleted": cell(
    "project.restore",
    200,
    async (id) => {
      await people.owner.call("DELETE", `/projects/${id}`);
      return ["/restore"];
    },
    { collaborator: 404, viewer: 404 },
  ),
  handOverProject: cell("project.hand_over", 200, async () => [
    "/hand-over",
    { user_id: people.viewer.userId },
  ]),
  listProjectEvents: cell("events.read", 200, ["/events?since=0"]),
  listCollaborators: cell("collaborators.read", 200, ["/collaborators"]),
  "addCollaborator: by id": cell("collaborators.manage", 201, async () => [
    "/collaborators",
    { user_id: other.userId, role: "viewer" },
  ]),
  "addCollaborator: by email": cell("collaborators.manage", 201, [
    "/collaborators",
    { email: "guest@example.net", role: "viewer" },
  ]),
  changeCollaborator: cell("collaborators.manage", 200, async () => [
    `/collaborators/${people.viewer.userId}`,
    { role: "collaborator" },
  ]),
  "removeCollaborator: another": cell("collaborators.remove", 204, async (id) => {
    await share(people.owner, id, other, "viewer");
    return [`/collaborators/${other.userId}`];
  }),
  "removeCollaborator: oneself": cell(
    "project.leave",
    204,
    async (_id, asker) => [`/collaborators/${asker.userId}`],
    { owner: 409 },
  ),
  withdrawInvitation: cell("invitations.withdraw", 204, async (id) => [
    `/invitations/${await invite(people.owner, id, "guest@example.net")}`,
  ]),
  listInvitations: cell(undefined, 200, ["/invitations"]),
  acceptInvitation: cell(undefined, 200, async (_id, asker) => [
    `/invitations/${await invitedByAnother(asker)}/accept`,
  ]),
  declineInvitation: cell(undefined, 204, async (_id, asker) => [
    `/invitations/${await invitedByAnother(asker)}`,
  ]),
};

function expected({ permission, status, otherwise = {} }: Cell, who: Who): number {
  if (who === "nobody") return 401;
  if (permission === undefined) return status;
  if (who === "stranger") return 404;
  const mayRole = permissions[permission].roles.some((role) => role === who);
  return otherwise[who] ?? (mayRole ? status : 403);
}

async function ask(name: string, { permission, request }: Cell, who: Who, isArchived: boolean) {
  const { owner, collaborator, viewer } = people;
  const id = await createProject(owner);
  await share(owner, id, collaborator, "collaborator");
  await share(owner, id, viewer, "viewer");
  const asker = who === "nobody" ? owner : people[who];
  const [path, body] = await request(id, asker);
  if (isArchived) await owner.call("PATCH", `/projects/${id}`, { status: "archived" });
  const [operationId] = name.split(":");
  const route = server.routes.find(({ spec }) => spec.operationId === operationId);
  const isElsewhere = permission === undefined;
  const token = who === "nobody" ? undefined : asker.token;
  const where = isElsewhere ? path : `/projects/${id}${path}`;
  return send(server, route?.spec.method ?? "", where, { token, body });
}

test("[PRJ-32] every route of the module is in the matrix, and every permission over projects is asked", () => {
  const operations = new Set(Object.keys(CELLS).map((name) => name.split(":")[0]));
  const routes = server.routes.filter(({ spec }) => spec.tag === "projects");
  expect([...operations].sort()).toEqual(routes.map(({ spec }) => spec.operationId).sort());
  const asked = new Set(Object.values(CELLS).map(({ permission }) => permission));
  const ours = Object.keys(permissions).filter((name) =>
    /^(project|collaborators|invitations|events)\./.test(name),
  );
  // What the owner sees of invitations is a part of the list of collaborators; exports are a task.
  expect(ours.filter((name) => !asked.has(name as Permission))).toEqual([
    "invitations.read",
    "project.export",
  ]);
});

test.each(Object.entries(CELLS))("[PRJ-32] %s does for each role what the table says", async (name, one) => {
  const statuses = await Promise.all(
    ROLES.map(async (who) => [who, (await ask(name, one, who, false)).status] as const),
  );
  expect(statuses).toEqual(ROLES.map((who) => [who, expected(one, who)]));
});

test.each(Object.entries(CELLS).filter(([, { permission }]) => permission))(
  "[PRJ-32] %s in an archived project does for its owner what the table says",
  async (name, one) => {
    const { permission, status, otherwise } = one;
    const isWrite = permission !== undefined && permissions[permission].isWrite;
    const answer = await ask(name, one, "owner", true);
    expect([answer.status, isWrite ? answer.body.code : undefined]).toEqual(
      isWrite ? [409, "PROJECT_ARCHIVED"] : [otherwise?.owner ?? status, undefined],
    );
  },
);
