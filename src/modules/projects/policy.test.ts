import { expect, test } from "bun:test";
import { defineErrors } from "../../kernel/errors/index.ts";
import type { Access, Role } from "./model.ts";
import { allow, type Permission, permissions } from "./policy.ts";

const { THING_NOT_FOUND } = defineErrors({ THING_NOT_FOUND: { status: 404, detail: "No such thing." } });

function outcome(access: Access | undefined, permission: Permission): string {
  try {
    return allow(access, permission, THING_NOT_FOUND) === access ? "yes" : "no access given back";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "another error";
  }
}

/** Written out again, so that a slip in the table shows: owner, collaborator, viewer; then the owner when it is archived. */
const EXPECTED: Record<Permission, [owner: string, collaborator: string, viewer: string, archived: string]> =
  {
    "project.read": ["yes", "yes", "yes", "yes"],
    "project.update": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "project.archive": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "project.delete": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "project.restore": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "project.hand_over": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "project.leave": ["yes", "yes", "yes", "yes"],
    "collaborators.read": ["yes", "yes", "yes", "yes"],
    "collaborators.manage": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "collaborators.remove": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "invitations.read": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "invitations.withdraw": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "project.export": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "events.read": ["yes", "yes", "yes", "yes"],
    "audit.read": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "api_keys.manage": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "jobs.read": ["yes", "yes", "yes", "yes"],
    "jobs.run": ["yes", "yes", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "jobs.cancel": ["yes", "yes", "PROJECT_FORBIDDEN", "yes"],
    "schedules.read": ["yes", "yes", "yes", "yes"],
    "schedules.manage": ["yes", "yes", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "schedules.delete": ["yes", "yes", "PROJECT_FORBIDDEN", "yes"],
    "signing_secrets.manage": ["yes", "PROJECT_FORBIDDEN", "PROJECT_FORBIDDEN", "yes"],
    "files.read": ["yes", "yes", "yes", "yes"],
    "files.write": ["yes", "yes", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "files.delete": ["yes", "yes", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "paragraphs.read": ["yes", "yes", "yes", "yes"],
    "paragraphs.write": ["yes", "yes", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "paragraphs.delete": ["yes", "yes", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "posts.read": ["yes", "yes", "yes", "yes"],
    "posts.write": ["yes", "yes", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "posts.delete": ["yes", "yes", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
    "collections.read": ["yes", "yes", "yes", "yes"],
    "collections.write": ["yes", "yes", "PROJECT_FORBIDDEN", "PROJECT_ARCHIVED"],
  };

test("[PRJ-10] what a role may is what the table says", () => {
  // The keys are the table's own.
  for (const permission of Object.keys(permissions) as Permission[]) {
    const roles: Role[] = ["owner", "collaborator", "viewer"];
    const given = [
      ...roles.map((role) => outcome({ role, isArchived: false }, permission)),
      outcome({ role: "owner", isArchived: true }, permission),
    ];
    expect([permission, ...given]).toEqual([permission, ...EXPECTED[permission]]);
  }
});

test("[PRJ-9] to a stranger the thing is not there, whatever he wants of it", () => {
  for (const permission of Object.keys(permissions) as Permission[]) {
    expect(outcome(undefined, permission)).toBe("THING_NOT_FOUND");
  }
});

test("[PRJ-10] a viewer of an archived project is told of the role first: bringing it back would not help", () => {
  expect(outcome({ role: "viewer", isArchived: true }, "paragraphs.write")).toBe("PROJECT_FORBIDDEN");
});
