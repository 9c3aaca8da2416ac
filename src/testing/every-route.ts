// Who may do what, for every operation of the server: the suite over the whole server holds /openapi.json against it.

import { newId } from "../kernel/ids/index.ts";
import type { Scene } from "./refusals.ts";
import { createProject, logIn, type Person, send, TEST_PASSWORD } from "./requests.ts";
import type { TestServer } from "./server.ts";

export interface RouteLine {
  /** The least that one must be. `public`: anybody, without a token. */
  readonly least: "public" | "signed in" | "viewer" | "collaborator" | "owner";
  /** Asks who one is in ways of its own: by ticket, query or first frame. */
  readonly by?: "stream" | "websocket";
  /** Its path names a thing of the person who is the scene's owner. */
  readonly isOfOwner?: boolean;
  /** A change that an archived project takes, too. */
  readonly worksArchived?: boolean;
  /** A lesser role may do it to himself, such as leave. */
  readonly mayToOneself?: boolean;
  /** Where what the description's schemas make is not enough for a request that succeeds. */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: (scene: Scene) => unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What must have happened before; gets the finished path. */
  readonly before?: (scene: Scene, path: string) => Promise<unknown>;
}

/** By operationId. Public ones are all here: whoever adds one says so in this list. */
export const routeLines: Readonly<Record<string, RouteLine>> = {
  signUp: { least: "public" },
  logIn: { least: "public" },
  refresh: { least: "public" },
  getPublicKeys: { least: "public" },
  getHealth: { least: "public" },
  getReadiness: { least: "public" },
  getMetrics: { least: "public" },
  getApiDescription: { least: "public" },

  getMe: { least: "signed in" },
  verify: { least: "signed in" },
  logOut: { least: "signed in" },
  listSessions: { least: "signed in" },
  removeSession: { least: "signed in", isOfOwner: true },
  removeSessions: { least: "signed in" },
  createLiveTicket: { least: "signed in" },
  connectLive: { least: "signed in", by: "websocket" },
  connectCoedit: { least: "viewer", by: "websocket" },

  listProjects: { least: "signed in" },
  createProject: { least: "signed in" },
  getProject: { least: "viewer" },
  changeProject: { least: "owner", body: () => ({ name: "Agora" }) },
  deleteProject: { least: "owner", worksArchived: true },
  listProjectEvents: { least: "viewer", query: { since: "0" } },
  getProjectStatus: { least: "viewer" },
  streamProject: { least: "viewer", by: "stream" },
  listCollaborators: { least: "viewer" },
  addCollaborator: {
    least: "owner",
    body: ({ stranger }) => ({ user_id: stranger.userId, role: "viewer" }),
  },
  changeCollaborator: { least: "owner", body: () => ({ role: "viewer" }) },
  removeCollaborator: { least: "owner", worksArchived: true, mayToOneself: true },

  createParagraphs: { least: "collaborator" },
  importParagraphs: { least: "collaborator" },
  fetchParagraphs: { least: "collaborator", body: ({ projectId }) => ({ project_id: projectId }) },
  listParagraphs: { least: "viewer" },
  getParagraph: { least: "viewer" },
  deleteParagraph: { least: "collaborator" },
  listParagraphWords: { least: "viewer" },
  topParagraphs: { least: "viewer", query: { word: "whale" } },
  getTextStatistics: { least: "viewer" },
  listDictionary: { least: "viewer" },
  getDictionaryWord: { least: "viewer" },

  search: { least: "viewer", query: { q: "whale" } },
  searchWords: { least: "viewer", body: ({ projectId }) => ({ words: ["whale"], project_id: projectId }) },
  suggest: { least: "viewer", query: { q: "wha" } },

  listPosts: { least: "viewer" },
  createPost: { least: "collaborator" },
  getPost: { least: "viewer" },
  replacePost: { least: "collaborator" },
  changePost: { least: "collaborator", body: () => ({ title: "T" }) },
  deletePost: { least: "collaborator" },
  restorePost: {
    least: "collaborator",
    before: ({ owner }, path) => owner.call("DELETE", path.replace("/restore", "")),
  },
  listPostVersions: { least: "viewer" },
  getPostVersion: { least: "viewer" },
  restorePostVersion: { least: "collaborator" },
  renderPost: { least: "viewer" },
  listCollections: { least: "viewer" },
  createCollection: { least: "collaborator" },
  getCollection: { least: "viewer" },
  renameCollection: { least: "collaborator" },
  deleteCollection: { least: "collaborator" },
  listCollectionPosts: { least: "viewer" },
  addToCollection: { least: "collaborator" },
  removeFromCollection: { least: "collaborator" },

  handOverProject: {
    least: "owner",
    worksArchived: true,
    body: ({ collaborator }) => ({ user_id: collaborator.userId }),
  },
  restoreProject: { least: "owner", worksArchived: true },
  withdrawInvitation: { least: "owner", worksArchived: true },
  listInvitations: { least: "signed in" },
  acceptInvitation: { least: "signed in", isOfOwner: true },
  declineInvitation: { least: "signed in", isOfOwner: true },
  takeOverCollection: { least: "collaborator" },

  listAccountAudit: { least: "signed in" },
  listAudit: { least: "owner" },
  listApiKeys: { least: "owner" },
  createApiKey: {
    least: "owner",
    worksArchived: true,
    body: ({ projectId }) => ({ name: "Robot", scopes: ["read"], project_id: projectId }),
  },
  deleteApiKey: { least: "owner", worksArchived: true },

  forgotPassword: { least: "public" },
  resetPassword: { least: "public" },
  verifyEmail: { least: "public" },
  sendVerification: { least: "signed in" },
  changeEmail: {
    least: "signed in",
    body: () => ({ email: "somebody.else@example.org", password: TEST_PASSWORD }),
  },
  changePassword: {
    least: "signed in",
    body: () => ({ current_password: TEST_PASSWORD, password: "another quiet colonnade" }),
  },

  beginIssuerSignIn: { least: "public" },
  endIssuerSignIn: { least: "public" },
  exchangeSignInCode: { least: "public" },
  listIdentities: { least: "signed in" },
  removeIdentity: { least: "signed in", isOfOwner: true },

  listJobTasks: { least: "signed in" },
  listJobWorkers: { least: "signed in" },
  submitJob: {
    least: "collaborator",
    body: ({ projectId }) => ({ task: "text.reanalyse", project_id: projectId }),
  },
  listJobs: { least: "viewer" },
  getJob: { least: "viewer" },
  listJobLines: { least: "viewer" },
  cancelJob: { least: "collaborator", worksArchived: true },
  retryJob: {
    least: "collaborator",
    before: ({ owner }, path) => owner.call("POST", path.replace("/retry", "/cancel")),
  },
  listDeadJobs: { least: "viewer" },
  redriveJobs: {
    least: "collaborator",
    body: ({ projectId }) => ({ project_id: projectId, all: true }),
  },
  listJobSchedules: { least: "viewer" },
  uploadFile: { least: "collaborator" },
  listFiles: { least: "viewer" },
  getFile: { least: "viewer" },
  downloadFile: { least: "viewer" },
  deleteFile: { least: "collaborator" },
  createJobSchedule: { least: "collaborator", body: schedule },
  changeJobSchedule: { least: "collaborator", body: () => ({ cron: "@daily" }) },
  deleteJobSchedule: { least: "collaborator", worksArchived: true },
  getSigningSecret: { least: "owner" },
  rotateSigningSecret: { least: "owner", worksArchived: true, body: () => ({}) },
};

function schedule({ projectId }: Pick<Scene, "projectId">) {
  return { task: "text.reanalyse", cron: "@yearly", project_id: projectId };
}

async function made(
  { collaborator, projectId }: Scene,
  path: string,
  body: object,
): Promise<Record<string, unknown>> {
  const answer = await collaborator.call("POST", path, { ...body, project_id: projectId });
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function paragraphOf(scene: Scene): Promise<Record<string, unknown>> {
  return made(scene, "/paragraphs", { paragraphs: ["The whale."] });
}

async function fileOf({ collaborator, projectId }: Scene): Promise<unknown> {
  const path = `/files?project_id=${projectId}&name=A`;
  return (await collaborator.call("POST", path, "{}", { "Content-Type": "text/plain" })).body.id;
}

async function sessionOf({ server, owner }: Scene): Promise<unknown> {
  const device: Person = await logIn(server, owner.email);
  return (await send(server, "GET", "/auth/verify", { token: device.token })).body.session_id;
}

async function invite(owner: Person, projectId: string, email: string): Promise<unknown> {
  const path = `/projects/${projectId}/collaborators`;
  return (await owner.call("POST", path, { email, role: "viewer" })).body.invitation_id;
}

/** By the collaborator; only who has shown that an address is his sees what was sent to it. */
async function inviteOwner({ server, owner, collaborator }: Scene): Promise<unknown> {
  // The suite runs on a whole server.
  const { db } = server as TestServer;
  await db.sql`UPDATE users SET email_verified_at = now() WHERE id = ${owner.userId}`;
  return invite(collaborator, await createProject(collaborator), owner.email);
}

async function identityOfOwner({ server, owner }: Scene): Promise<unknown> {
  const id = newId();
  // The suite runs on a whole server.
  const { db } = server as TestServer;
  await db.sql`INSERT INTO identities (id, user_id, issuer, subject)
    VALUES (${id}, ${owner.userId}, 'https://id.example', ${id})`;
  return id;
}

/**
 * What the parameter of a path names, by the segment before it: makes one in the scene's project and gives its id. `place` is
 * the path so far, for what stands in two places.
 */
export const fixtures: Readonly<Record<string, (scene: Scene, place: string) => Promise<unknown>>> = {
  projects: async ({ projectId }) => projectId,
  collaborators: async ({ viewer }) => viewer.userId,
  posts: async (scene) => (await made(scene, "/posts", { title: "A", body: "b" })).id,
  coedit: async (scene) => (await made(scene, "/posts", { title: "A", body: "b" })).id,
  versions: async () => 1,
  collections: async (scene) => (await made(scene, "/collections", { name: "C" })).id,
  paragraphs: async (scene) => ((await paragraphOf(scene)).paragraphs as { id: string }[])[0]?.id,
  dictionary: async () => "whale",
  jobs: async (scene) => (await made(scene, "/jobs", { task: "text.reanalyse" })).id,
  "job-schedules": async (scene) => (await made(scene, "/job-schedules", schedule(scene))).id,
  files: fileOf,
  invitations: (scene, place) =>
    place.includes("/projects/")
      ? invite(scene.owner, scene.projectId, "guest@example.net")
      : inviteOwner(scene),
  "api-keys": async ({ owner, projectId }) =>
    (await owner.call("POST", "/api-keys", { name: "Robot", scopes: ["read"], project_id: projectId })).body
      .id,
  identities: identityOfOwner,
  sessions: sessionOf,
};
