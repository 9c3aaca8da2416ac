// How the store of files says no.
import { defineErrors } from "../errors/index.ts";

export const fileErrors = defineErrors({
  FILE_NOT_FOUND: {
    status: 404,
    detail:
      "There is no such file in your projects, or its time is over. GET /files lists those of a project.",
  },
  FILE_TOO_LARGE: {
    status: 413,
    detail: "The file is larger than one file may be. Send it in parts, or ask for a higher FILE_MAX_MB.",
  },
  FILES_FULL: {
    status: 409,
    detail: "The files of the project hold as much as they may. Delete some that are not needed.",
  },
  DISK_FULL: {
    status: 507,
    detail:
      "The server has no room for this file, and kept nothing of it. Tell whoever runs it, and try again later.",
  },
  FILE_UNAVAILABLE: {
    status: 503,
    detail:
      "The bytes of this file cannot be read just now. Try again later, or tell whoever runs the server.",
  },
  RANGE_NOT_SATISFIABLE: {
    status: 416,
    detail: "The file has no such bytes. Content-Range says how many it has.",
  },
});
