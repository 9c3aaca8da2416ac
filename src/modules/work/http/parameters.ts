// What the routes of jobs take alike.
import { z } from "zod";

export const projectId = z
  .uuid()
  .toLowerCase()
  .optional()
  .meta({ description: "Left out, your personal project." });
export const taskName = z.string().min(1).max(200).meta({ description: "As GET /job-tasks names it." });
export const jobParams = z.strictObject({ id: z.uuid().toLowerCase() });
