import { testRefusals } from "../../testing/refusals.ts";

testRefusals({
  rule: "WRK-5",
  tags: ["jobs"],
  cases: {
    getJob: {
      least: "viewer",
      notFound: "JOB_NOT_FOUND",
      request: async ({ owner, projectId }) => {
        const body = { paragraphs: ["A text."], project_id: projectId };
        const answer = await owner.call("POST", "/paragraphs", body);
        return { path: `/jobs/${answer.body.job_id}` };
      },
    },
  },
});
