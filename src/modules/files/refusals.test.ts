import type { Scene } from "../../testing/refusals.ts";
import { testRefusals } from "../../testing/refusals.ts";

const upload = ({ projectId }: Pick<Scene, "projectId">) => ({
  path: `/files?project_id=${projectId}`,
  body: "A text.",
  headers: { "Content-Type": "text/plain" },
});

async function stored(scene: Scene): Promise<string> {
  const { path, body, headers } = upload(scene);
  return `/files/${(await scene.collaborator.call("POST", path, body, headers)).body.id}`;
}

testRefusals({
  rule: "WRK-88",
  tags: ["files"],
  cases: {
    uploadFile: { least: "collaborator", isWrite: true, request: upload },
    listFiles: { least: "viewer", request: ({ projectId }) => ({ path: `/files?project_id=${projectId}` }) },
    getFile: {
      least: "viewer",
      notFound: "FILE_NOT_FOUND",
      request: async (scene) => ({ path: await stored(scene) }),
    },
    downloadFile: {
      least: "viewer",
      notFound: "FILE_NOT_FOUND",
      // The suite reads every answer as JSON.
      request: async (scene) => ({ path: `${await storedJson(scene)}/content` }),
    },
    deleteFile: {
      least: "collaborator",
      notFound: "FILE_NOT_FOUND",
      isWrite: true,
      request: async (scene) => ({ path: await stored(scene) }),
    },
  },
});

async function storedJson(scene: Scene): Promise<string> {
  const { path, headers } = upload(scene);
  return `/files/${(await scene.collaborator.call("POST", path, "{}", headers)).body.id}`;
}
