import { type Scene, testRefusals } from "../../testing/refusals.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import type { TestServer } from "../../testing/server.ts";

const pathOf = ({ projectId }: Scene) => `/projects/${projectId}`;
const collaboratorsOf = (scene: Scene) => `${pathOf(scene)}/collaborators`;

async function invite(owner: Person, projectId: string, email: string): Promise<string> {
  const path = `/projects/${projectId}/collaborators`;
  return String((await owner.call("POST", path, { email, role: "viewer" })).body.invitation_id);
}

/** From the collaborator to the owner, who is the one that asks. */
async function inviteOwner({ server, owner, collaborator }: Scene): Promise<string> {
  // The suite runs on a whole server.
  const { db } = server as TestServer;
  await db.sql`UPDATE users SET email_verified_at = now() WHERE id = ${owner.userId}`;
  return invite(collaborator, await createProject(collaborator), owner.email);
}

testRefusals({
  rule: "PRJ-9",
  tags: ["projects", "api keys", "audit"],
  cases: {
    listProjects: { least: "signed in", request: () => ({ path: "/projects" }) },
    createProject: { least: "signed in", request: () => ({ path: "/projects", body: { name: "Agora" } }) },
    getProject: { least: "viewer", request: (scene) => ({ path: pathOf(scene) }) },
    changeProject: {
      least: "owner",
      isWrite: true,
      request: (scene) => ({ path: pathOf(scene), body: { name: "Agora" } }),
    },
    deleteProject: { least: "owner", request: (scene) => ({ path: pathOf(scene) }) },
    restoreProject: { least: "owner", request: (scene) => ({ path: `${pathOf(scene)}/restore` }) },
    handOverProject: {
      least: "owner",
      request: (scene) => ({
        path: `${pathOf(scene)}/hand-over`,
        body: { user_id: scene.collaborator.userId },
      }),
    },
    withdrawInvitation: {
      least: "owner",
      async request(scene) {
        const id = await invite(scene.owner, scene.projectId, "guest@example.net");
        return { path: `${pathOf(scene)}/invitations/${id}` };
      },
    },
    listInvitations: { least: "signed in", request: () => ({ path: "/invitations" }) },
    acceptInvitation: {
      least: "signed in",
      request: async (scene) => ({ path: `/invitations/${await inviteOwner(scene)}/accept` }),
    },
    declineInvitation: {
      least: "signed in",
      request: async (scene) => ({ path: `/invitations/${await inviteOwner(scene)}` }),
    },
    listProjectEvents: { least: "viewer", request: (scene) => ({ path: `${pathOf(scene)}/events?since=0` }) },
    listCollaborators: { least: "viewer", request: (scene) => ({ path: collaboratorsOf(scene) }) },
    addCollaborator: {
      least: "owner",
      isWrite: true,
      request: (scene) => ({
        path: collaboratorsOf(scene),
        body: { user_id: scene.stranger.userId, role: "viewer" },
      }),
    },
    changeCollaborator: {
      least: "owner",
      isWrite: true,
      request: (scene) => ({
        path: `${collaboratorsOf(scene)}/${scene.viewer.userId}`,
        body: { role: "collaborator" },
      }),
    },
    listApiKeys: {
      least: "owner",
      request: ({ projectId }) => ({ path: `/api-keys?project_id=${projectId}` }),
    },
    createApiKey: {
      least: "owner",
      request: ({ projectId }) => ({
        path: "/api-keys",
        body: { name: "Robot", scopes: ["read"], project_id: projectId },
      }),
    },
    deleteApiKey: {
      least: "owner",
      notFound: "API_KEY_NOT_FOUND",
      async request({ owner, projectId }) {
        const body = { name: "Robot", scopes: ["read"], project_id: projectId };
        return { path: `/api-keys/${(await owner.call("POST", "/api-keys", body)).body.id}` };
      },
    },
    listAudit: { least: "owner", request: ({ projectId }) => ({ path: `/audit?project_id=${projectId}` }) },
    removeCollaborator: {
      least: "owner",
      async request(scene) {
        // Somebody else than those who ask: everyone may take himself out.
        const member = await signUp(scene.server);
        await share(scene.owner, scene.projectId, member, "viewer");
        return { path: `${collaboratorsOf(scene)}/${member.userId}` };
      },
    },
  },
});
