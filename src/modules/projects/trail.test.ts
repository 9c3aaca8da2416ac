import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openStage, type Stage, signUpVerified } from "./testing/stage.ts";

let stage: Stage;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  stage = await openStage();
  [ada, ben] = [await signUp(stage), await signUpVerified(stage)];
});
afterAll(() => stage.stop());

test("[PRJ-34] every change of who may do what is in the trail, once, and nothing else", async () => {
  const id = await createProject(ada);
  const path = `/projects/${id}`;
  const cleo = await signUpVerified(stage);
  await share(ada, id, ben, "viewer");
  await ada.call("PATCH", `${path}/collaborators/${ben.userId}`, { role: "collaborator" });
  await ada.call("PATCH", `${path}/collaborators/${ben.userId}`, { role: "collaborator" });
  const inviteCleo = async () =>
    String(
      (await ada.call("POST", `${path}/collaborators`, { email: cleo.email, role: "viewer" })).body
        .invitation_id,
    );
  const first = await inviteCleo();
  await ada.call("DELETE", `${path}/invitations/${first}`);
  const second = await inviteCleo();
  await cleo.call("POST", `/invitations/${second}/accept`);
  await ada.call("POST", `${path}/hand-over`, { user_id: ben.userId });
  await ada.call("DELETE", `${path}/collaborators/${cleo.userId}`);
  await ben.call("DELETE", `${path}/collaborators/${cleo.userId}`);
  await ada.call("DELETE", `${path}/collaborators/${ada.userId}`);
  await ben.call("DELETE", path);
  await ben.call("POST", `${path}/restore`);
  await ben.call("POST", `${path}/restore`);

  const entries = stage.entries.filter(({ projectId }) => projectId === id);
  expect(entries.map(({ action, actorId, subject, data }) => [action, actorId, subject, data])).toEqual([
    ["project.created", ada.userId, id, {}],
    ["collaborator.added", ada.userId, ben.userId, { role: "viewer" }],
    ["collaborator.changed", ada.userId, ben.userId, { role: "collaborator" }],
    ["collaborator.invited", ada.userId, first, { role: "viewer" }],
    ["collaborator.uninvited", ada.userId, first, {}],
    ["collaborator.invited", ada.userId, second, { role: "viewer" }],
    ["collaborator.added", cleo.userId, cleo.userId, { role: "viewer" }],
    ["project.handed_over", ada.userId, id, { owner_id: ben.userId, previous_owner_id: ada.userId }],
    ["collaborator.removed", ben.userId, cleo.userId, {}],
    ["collaborator.removed", ada.userId, ada.userId, {}],
    ["project.deleted", ben.userId, id, {}],
    ["project.restored", ben.userId, id, {}],
  ]);
  const addresses = new Set(entries.map(({ address }) => address));
  expect([addresses.size, [...addresses].every((address) => typeof address === "string")]).toEqual([1, true]);
  expect(JSON.stringify(entries)).not.toContain("@");
});
