import { testRefusals } from "../../testing/refusals.ts";

testRefusals({
  rule: "DIC-21",
  tags: ["dictionary"],
  cases: {
    listDictionary: {
      least: "viewer",
      request: ({ projectId }) => ({ path: `/dictionary?project_id=${projectId}` }),
    },
    getDictionaryWord: {
      least: "viewer",
      request: ({ projectId }) => ({ path: `/dictionary/whale?project_id=${projectId}` }),
    },
  },
});
