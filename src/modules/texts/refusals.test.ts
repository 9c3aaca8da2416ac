import { type Scene, testRefusals } from "../../testing/refusals.ts";

async function paragraphOf({ owner, projectId }: Scene): Promise<string> {
  const answer = await owner.call("POST", "/paragraphs", {
    paragraphs: ["The whale."],
    project_id: projectId,
  });
  const [first] = answer.body.paragraphs as { id: string }[];
  return `/paragraphs/${first?.id}`;
}

const inProject = (path: string) => (scene: Scene) => ({ path: `${path}project_id=${scene.projectId}` });

testRefusals({
  rule: "TXT-15",
  tags: ["paragraphs"],
  cases: {
    createParagraphs: {
      least: "collaborator",
      isWrite: true,
      request: ({ projectId }) => ({
        path: "/paragraphs",
        body: { paragraphs: ["A text."], project_id: projectId },
      }),
    },
    importParagraphs: {
      least: "collaborator",
      isWrite: true,
      request: ({ projectId }) => ({
        path: `/paragraphs/import?project_id=${projectId}`,
        body: "A text.",
        headers: { "Content-Type": "text/plain" },
      }),
    },
    fetchParagraphs: {
      least: "collaborator",
      isWrite: true,
      request: ({ projectId }) => ({ path: "/paragraphs/fetch", body: { project_id: projectId } }),
    },
    listParagraphs: { least: "viewer", request: inProject("/paragraphs?") },
    topParagraphs: { least: "viewer", request: inProject("/paragraphs/top?word=whale&") },
    getTextStatistics: { least: "viewer", request: inProject("/texts/statistics?") },
    getParagraph: {
      least: "viewer",
      notFound: "PARAGRAPH_NOT_FOUND",
      request: async (scene) => ({ path: await paragraphOf(scene) }),
    },
    listParagraphWords: {
      least: "viewer",
      notFound: "PARAGRAPH_NOT_FOUND",
      request: async (scene) => ({ path: `${await paragraphOf(scene)}/words` }),
    },
    deleteParagraph: {
      least: "collaborator",
      isWrite: true,
      notFound: "PARAGRAPH_NOT_FOUND",
      request: async (scene) => ({ path: await paragraphOf(scene) }),
    },
  },
});
