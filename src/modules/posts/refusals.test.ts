import { type Scene, testRefusals } from "../../testing/refusals.ts";

async function postOf({ collaborator, projectId }: Scene): Promise<string> {
  const { body } = await collaborator.call("POST", "/posts", {
    title: "A",
    body: "b",
    project_id: projectId,
  });
  return String(body.id);
}

async function collectionOf({ collaborator, projectId }: Scene): Promise<string> {
  const { body } = await collaborator.call("POST", "/collections", { name: "C", project_id: projectId });
  return String(body.id);
}

const onPost =
  (suffix = "", body?: unknown) =>
  async (scene: Scene) => ({ path: `/posts/${await postOf(scene)}${suffix}`, body });
const onCollection =
  (suffix = "", body?: unknown) =>
  async (scene: Scene) => ({ path: `/collections/${await collectionOf(scene)}${suffix}`, body });
const onPlace = async (scene: Scene) => ({
  path: `/collections/${await collectionOf(scene)}/posts/${await postOf(scene)}`,
});

const post = { notFound: "POST_NOT_FOUND" } as const;
const collection = { notFound: "COLLECTION_NOT_FOUND" } as const;
const write = { least: "collaborator", isWrite: true } as const;
const text = { title: "T", body: "t" };

testRefusals({
  rule: "PST-23",
  tags: ["posts", "collections"],
  cases: {
    listPosts: { least: "viewer", request: ({ projectId }) => ({ path: `/posts?project_id=${projectId}` }) },
    createPost: {
      ...write,
      request: ({ projectId }) => ({ path: "/posts", body: { ...text, project_id: projectId } }),
    },
    getPost: { ...post, least: "viewer", request: onPost() },
    replacePost: { ...post, ...write, request: onPost("", text) },
    changePost: { ...post, ...write, request: onPost("", { title: "T" }) },
    deletePost: { ...post, ...write, request: onPost() },
    restorePost: {
      ...post,
      ...write,
      async request(scene) {
        const id = await postOf(scene);
        await scene.collaborator.call("DELETE", `/posts/${id}`);
        return { path: `/posts/${id}/restore` };
      },
    },
    listPostVersions: { ...post, least: "viewer", request: onPost("/versions") },
    getPostVersion: { ...post, least: "viewer", request: onPost("/versions/1") },
    restorePostVersion: { ...post, ...write, request: onPost("/versions/1/restore") },
    renderPost: { ...post, least: "viewer", request: onPost("/rendered") },
    listCollections: {
      least: "viewer",
      request: ({ projectId }) => ({ path: `/collections?project_id=${projectId}` }),
    },
    createCollection: {
      ...write,
      request: ({ projectId }) => ({ path: "/collections", body: { name: "C", project_id: projectId } }),
    },
    getCollection: { ...collection, least: "viewer", request: onCollection() },
    renameCollection: { ...collection, ...write, request: onCollection("", { name: "D" }) },
    takeOverCollection: { ...collection, ...write, request: onCollection("/take-over") },
    deleteCollection: { ...collection, ...write, request: onCollection() },
    listCollectionPosts: { ...collection, least: "viewer", request: onCollection("/posts") },
    addToCollection: { ...collection, ...write, request: onPlace },
    removeFromCollection: { ...collection, ...write, request: onPlace },
  },
});
