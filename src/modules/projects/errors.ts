// How the projects module says no.
import { defineErrors } from "../../kernel/errors/index.ts";

export const projectErrors = defineErrors({
  PROJECT_NOT_FOUND: {
    status: 404,
    detail: "There is no such project among yours. GET /projects lists those you are in.",
  },
  PROJECT_FORBIDDEN: {
    status: 403,
    detail: "Your role in this project does not allow that. Ask its owner for another role.",
  },
  PROJECT_ARCHIVED: {
    status: 409,
    detail: "The project is archived and takes no changes. Its owner can set its status to active again.",
  },
  PERSONAL_PROJECT: {
    status: 409,
    detail:
      "Your personal project cannot be shared, archived, deleted or handed over. Create a project for that.",
  },
  COLLABORATOR_NOT_FOUND: {
    status: 404,
    detail: "This user is no collaborator of the project. GET …/collaborators lists those who are.",
  },
  COLLABORATOR_EXISTS: {
    status: 409,
    detail: "This user has a role in the project already. PATCH …/collaborators/{user_id} changes it.",
  },
  INVITATION_NOT_FOUND: {
    status: 404,
    detail:
      "There is no such open invitation. It may have ended; one to you is open to the account whose verified address it names.",
  },
  INVITATION_LIMIT: {
    status: 429,
    detail: "Too many invitations by email in the last hour. Try again after the time in Retry-After.",
  },
  API_KEY_NOT_FOUND: {
    status: 404,
    detail: "There is no such API key in the projects that you own. GET /api-keys lists those there are.",
  },
  API_KEY_LIMIT: {
    status: 409,
    detail: "The project has as many API keys as it may have. Delete those that are not used any more.",
  },
  OWNER_STAYS: {
    status: 409,
    detail: "The owner's role cannot be changed or dropped. Hand the project over first, or delete it.",
  },
});
