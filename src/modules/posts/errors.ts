// How the posts module says no.
import { defineErrors } from "../../kernel/errors/index.ts";

export const postErrors = defineErrors({
  POST_NOT_FOUND: {
    status: 404,
    detail: "There is no such post in your projects. GET /posts lists those of a project.",
  },
  POST_CHANGED: {
    status: 412,
    detail: "The post was changed since the version that If-Match names. Read it again, then change it.",
  },
  POST_PATH_TAKEN: {
    status: 409,
    detail: "Another post of the project has this path; case makes no difference. Choose another.",
  },
  POST_NOT_RENDERED: {
    status: 422,
    detail: "The Markdown of this post takes too long to render. Make its nesting simpler, or part the post.",
  },
  RENDERING_BUSY: {
    status: 503,
    detail: "Too many posts are being rendered just now. Try again in a few seconds.",
  },
  VERSION_NOT_FOUND: {
    status: 404,
    detail: "The post has no such version. GET …/versions lists those it has.",
  },
  COLLECTION_NOT_FOUND: {
    status: 404,
    detail: "There is no such collection in your projects. GET /collections lists those of a project.",
  },
  COLLECTION_NOT_YOURS: {
    status: 403,
    detail:
      "The collection is another's. Only its owner changes it, or the project's once that one may no longer write.",
  },
  COLLECTION_FULL: {
    status: 409,
    detail: "The collection holds 10,000 posts, and more it cannot. Take some out, or create another.",
  },
});
