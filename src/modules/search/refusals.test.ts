import { type Scene, testRefusals } from "../../testing/refusals.ts";

const inProject = (path: string) => (scene: Scene) => ({ path: `${path}project_id=${scene.projectId}` });

testRefusals({
  rule: "SRC-7",
  tags: ["search"],
  cases: {
    search: { least: "viewer", request: inProject("/search?q=whale&") },
    searchWords: {
      least: "viewer",
      request: ({ projectId }) => ({ path: "/search", body: { words: ["whale"], project_id: projectId } }),
    },
    suggest: { least: "viewer", request: inProject("/search/suggest?q=wha&") },
  },
});
