// The tasks that people may run, and whether an input fits one: said at once, while whoever sends it can still correct it.
import { z } from "zod";
import { kernelErrors } from "../../kernel/errors/index.ts";
import { validate } from "../../kernel/http/index.ts";
import type { Jobs, Task } from "../../kernel/jobs/index.ts";
import { type Permission, toPermission } from "../projects/index.ts";

/** What running it takes: its own permission, or that of running any. */
export function permissionOf(jobs: Pick<Jobs, "userTasks">, name: string): Permission {
  const own = jobs.userTasks().find((each) => each.name === name)?.forUsers?.permission;
  return own === undefined ? "jobs.run" : toPermission(own);
}

/** Throws INVALID_INPUT that names each field. */
export function checkInput(jobs: Pick<Jobs, "userTasks">, name: string, input: unknown): Task<unknown> {
  const task = jobs.userTasks().find((each) => each.name === name);
  if (!task) {
    const message = "There is no task of this name that you can run. GET /job-tasks lists those there are.";
    throw kernelErrors.INVALID_INPUT({ fields: [{ path: "task", message }] });
  }
  validate(z.object({ input: task.input }), { input }, "body");
  return task;
}
