// How work says no.
import { defineErrors } from "../../kernel/errors/index.ts";

export const workErrors = defineErrors({
  JOB_NOT_FOUND: {
    status: 404,
    detail: "There is no job with this id, or it is none of yours. Check the id and the account.",
  },
});
