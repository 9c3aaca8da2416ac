import type { Scene } from "../../testing/refusals.ts";
import { testRefusals } from "../../testing/refusals.ts";

const submission = ({ projectId }: Pick<Scene, "projectId">) => ({
  task: "text.reanalyse",
  project_id: projectId,
});

/** A job that nobody works on, since the suite's server runs none. */
async function submit(scene: Scene): Promise<string> {
  const { body } = await scene.owner.call("POST", "/jobs", submission(scene));
  return String(body.id);
}

async function cancelled(scene: Scene): Promise<string> {
  const id = await submit(scene);
  await scene.owner.call("POST", `/jobs/${id}/cancel`);
  return id;
}

const schedule = (scene: Scene) => ({ ...submission(scene), cron: "@yearly" });

async function scheduled(scene: Scene): Promise<string> {
  const { body } = await scene.owner.call("POST", "/job-schedules", schedule(scene));
  return `/job-schedules/${body.id}`;
}

testRefusals({
  rule: "WRK-5",
  tags: ["jobs"],
  cases: {
    submitJob: {
      least: "collaborator",
      isWrite: true,
      request: (scene) => ({ path: "/jobs", body: submission(scene) }),
    },
    listJobs: { least: "viewer", request: ({ projectId }) => ({ path: `/jobs?project_id=${projectId}` }) },
    getJob: {
      least: "viewer",
      notFound: "JOB_NOT_FOUND",
      request: async ({ owner, projectId }) => {
        const body = { paragraphs: ["A text."], project_id: projectId };
        const answer = await owner.call("POST", "/paragraphs", body);
        return { path: `/jobs/${answer.body.job_id}` };
      },
    },
    listJobLines: {
      least: "viewer",
      notFound: "JOB_NOT_FOUND",
      request: async (scene) => ({ path: `/jobs/${await submit(scene)}/logs` }),
    },
    cancelJob: {
      least: "collaborator",
      notFound: "JOB_NOT_FOUND",
      request: async (scene) => ({ path: `/jobs/${await submit(scene)}/cancel` }),
    },
    retryJob: {
      least: "collaborator",
      notFound: "JOB_NOT_FOUND",
      isWrite: true,
      request: async (scene) => ({ path: `/jobs/${await cancelled(scene)}/retry` }),
    },
    listDeadJobs: {
      least: "viewer",
      request: ({ projectId }) => ({ path: `/jobs/dead?project_id=${projectId}` }),
    },
    redriveJobs: {
      least: "collaborator",
      isWrite: true,
      request: ({ projectId }) => ({
        path: "/jobs/dead/redrive",
        body: { project_id: projectId, all: true },
      }),
    },
    listJobSchedules: {
      least: "viewer",
      request: ({ projectId }) => ({ path: `/job-schedules?project_id=${projectId}` }),
    },
    createJobSchedule: {
      least: "collaborator",
      isWrite: true,
      request: (scene) => ({ path: "/job-schedules", body: schedule(scene) }),
    },
    changeJobSchedule: {
      least: "collaborator",
      notFound: "SCHEDULE_NOT_FOUND",
      isWrite: true,
      request: async (scene) => ({ path: await scheduled(scene), body: { cron: "@daily" } }),
    },
    deleteJobSchedule: {
      least: "collaborator",
      notFound: "SCHEDULE_NOT_FOUND",
      request: async (scene) => ({ path: await scheduled(scene) }),
    },
    listJobWorkers: { least: "signed in", request: () => ({ path: "/job-workers" }) },
    getSigningSecret: {
      least: "owner",
      request: ({ projectId }) => ({ path: `/projects/${projectId}/signing-secret` }),
    },
    rotateSigningSecret: {
      least: "owner",
      request: ({ projectId }) => ({ path: `/projects/${projectId}/signing-secret/rotate`, body: {} }),
    },
    listJobTasks: { least: "signed in", request: () => ({ path: "/job-tasks" }) },
  },
});
