// What the routes of files take alike.
import { z } from "zod";

export const PATH = "/api/v1/files";
export const fileParams = z.strictObject({ id: z.uuid().toLowerCase() });
export const projectId = z
  .uuid()
  .optional()
  .meta({ description: "Left out, your personal project, or the API key's." });
/** No separators, so that it is a name wherever it is saved; nothing that is not seen or turns the direction of text. */
export const fileName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^/\\\p{Cc}\p{Cs}\p{Bidi_Control}]+$/u, "Give a name without slashes and control characters.")
  .refine((name) => !/^\.{1,2}$/.test(name), "Give a name, not a folder.");
