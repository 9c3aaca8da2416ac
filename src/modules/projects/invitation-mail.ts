// What the mail of an invitation says.
import type { Mail } from "../../kernel/mail/index.ts";
import type { CollaboratorRole } from "./model.ts";

export interface InvitationMail {
  readonly to: string;
  readonly projectName: string;
  readonly role: CollaboratorRole;
  readonly lifeDays: number;
  readonly publicUrl: string;
}

const MAX_NAME_UNITS = 80;
const MAY = {
  collaborator: "You could read everything in it and write.",
  viewer: "You could read everything in it.",
};

export function toInvitationMail({ to, projectName, role, lifeDays, publicUrl }: InvitationMail): Mail {
  return {
    to,
    subject: "You are invited to a project",
    text: [
      `You are invited to the project "${tame(projectName)}". ${MAY[role]}`,
      `Sign in with this address, or sign up with it, and confirm that it is yours. The invitation then waits for you among your invitations, for ${lifeDays} days:`,
      publicUrl,
      "Nothing happens unless you accept. If you expect no such invitation, you need do nothing.",
    ].join("\n\n"),
  };
}

/** Names of projects are anyone's words, sent to anyone in our name: no mail program is to find a link or a new line in them. */
function tame(name: string): string {
  const plain = name.replace(/[\p{C}\p{Z}]+/gu, " ").replace(/[.:/\\@]+/g, "·");
  return plain.length > MAX_NAME_UNITS ? `${plain.slice(0, MAX_NAME_UNITS - 1).trimEnd()}…` : plain;
}
