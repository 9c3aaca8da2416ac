// How search says no.
import { defineErrors } from "../../kernel/errors/index.ts";

export const searchErrors = defineErrors({
  QUERY_TOO_LONG: {
    status: 422,
    detail: "The query has more than 300 words. Search with fewer of them.",
  },
});
