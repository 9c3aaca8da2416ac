// How work says no.
import { defineErrors } from "../../kernel/errors/index.ts";

export const workErrors = defineErrors({
  JOB_NOT_FOUND: {
    status: 404,
    detail: "There is no job with this id, or it is none of yours. Check the id and the account.",
  },
  JOB_ENDED: {
    status: 409,
    detail: "The job has ended already, and stays as it is. Read it to see how.",
  },
  JOB_NOT_RETRIABLE: {
    status: 409,
    detail: "Only a job that has failed or was cancelled can be run again. Read its status.",
  },
  JOB_KEY_TAKEN: {
    status: 409,
    detail:
      "Another job with this unique_key has not ended; job_id names it. Wait for it, or use another unique_rule.",
  },
  SERVICE_FAILED: {
    status: 502,
    detail:
      "The service that the job calls failed. It is tried again; the job's errors say what it answered.",
  },
  SCHEDULE_NOT_FOUND: {
    status: 404,
    detail: "There is no schedule with this id, or it is none of yours. Check the id and the account.",
  },
  TOO_MANY_SCHEDULES: {
    status: 409,
    detail: "The project has as many schedules as it may have. Delete one that is not needed.",
  },
  JOB_OF_SERVER: {
    status: 409,
    detail: "This job is the server's own work: it can be looked at, not cancelled or run again.",
  },
});
