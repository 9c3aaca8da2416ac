import { type Scene, testRefusals } from "../../testing/refusals.ts";
import { share, signUp } from "../../testing/requests.ts";

const pathOf = ({ projectId }: Scene) => `/projects/${projectId}`;
const collaboratorsOf = (scene: Scene) => `${pathOf(scene)}/collaborators`;

testRefusals({
  rule: "PRJ-9",
  tags: ["projects"],
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
