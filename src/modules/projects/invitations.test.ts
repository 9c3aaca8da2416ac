import { afterAll, beforeAll, expect, test } from "bun:test";
import { personalStreamId } from "../../kernel/events/index.ts";
import { silentLogger } from "../../kernel/telemetry/index.ts";
import { ID, listEvents, TIME } from "../../testing/expectations.ts";
import { type Answer, createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { createHousekeeping } from "./housekeeping.ts";
import { openStage, type Stage, signUpVerified } from "./testing/stage.ts";

let stage: Stage;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  stage = await openStage();
  [ada, ben] = [await signUp(stage), await signUpVerified(stage)];
});
afterAll(() => stage.stop());

let addresses = 0;
const newAddress = () => `guest${++addresses}@example.net`;

function invite(owner: Person, projectId: string, email: string, role = "collaborator"): Promise<Answer> {
  return owner.call("POST", `/projects/${projectId}/collaborators`, { email, role });
}

async function invitationIdOf(owner: Person, projectId: string, email: string): Promise<string> {
  const answer = await invite(owner, projectId, email);
  expect(answer.status).toBe(201);
  return String(answer.body.invitation_id);
}

const SUBJECT = "You are invited to a project";
const mailsTo = (address: string) =>
  stage.mails.filter(({ to, subject }) => to === address && subject === SUBJECT);
const listMine = async (person: Person) => (await person.call("GET", "/invitations")).body.items as object[];
const received = async (person: Person) =>
  (await listEvents(stage.db.sql, personalStreamId(person.userId))).filter(
    ({ event }) => event === "invitation.received",
  );

test("[PRJ-20] an invited address is answered alike, whoever has it", async () => {
  const member = await signUpVerified(stage);
  const unverified = await signUp(stage);
  const id = await createProject(ada);
  await share(ada, id, member, "viewer");
  const emails = [newAddress(), ben.email, unverified.email, member.email, ada.email];
  for (const email of emails) {
    const { status, body } = await invite(ada, id, email, "viewer");
    expect([status, body]).toEqual([
      201,
      {
        status: "invited",
        invitation_id: ID,
        email,
        role: "viewer",
        invited_at: TIME,
        invited_by: ada.userId,
        expires_at: TIME,
      },
    ]);
    expect(mailsTo(email)).toHaveLength(1);
  }
  // The log, which every member reads, tells it without the address.
  const invited = (await listEvents(stage.db.sql, id)).filter(
    ({ event }) => event === "collaborator.invited",
  );
  expect(invited.map(({ data }) => data)).toEqual(emails.map(() => ({ role: "viewer" })));
});

test("[PRJ-20] the request asks nothing of accounts, so that its time cannot tell either", async () => {
  const id = await createProject(ada);
  const asked: string[] = [];
  // Every statement on users while the invitation is made would wait for this lock.
  await stage.db.transaction(async (tx) => {
    await tx`LOCK TABLE users IN ACCESS EXCLUSIVE MODE`;
    const answer = await invite(ada, id, ben.email);
    asked.push(String(answer.status));
  });
  expect(asked).toEqual(["201"]);
});

test("[PRJ-20] what is no address, both ways at once and neither are refused", async () => {
  const id = await createProject(ada);
  const cases: [body: object, status: number, code: string][] = [
    [{ email: "nobody", role: "viewer" }, 422, "INVALID_INPUT"],
    [{ email: "a@example.org\nb@example.org", role: "viewer" }, 422, "INVALID_INPUT"],
    [{ email: ben.email, user_id: ben.userId, role: "viewer" }, 422, "INVALID_INPUT"],
    [{ role: "viewer" }, 422, "INVALID_INPUT"],
    [{ email: ben.email, role: "owner" }, 422, "INVALID_INPUT"],
  ];
  for (const [body, status, code] of cases) {
    const answer = await ada.call("POST", `/projects/${id}/collaborators`, body);
    expect([body, answer.status, answer.body.code]).toEqual([body, status, code]);
  }
  const personal = await invite(ada, ada.projectId, ben.email);
  expect([personal.status, personal.body.code]).toEqual([409, "PERSONAL_PROJECT"]);
});

test("[PRJ-21] nobody is in a project before he accepts", async () => {
  const cleo = await signUpVerified(stage);
  const id = await createProject(ada, "Agora");
  const invitationId = await invitationIdOf(ada, id, cleo.email.toUpperCase());
  await until("the notice", async () => (await received(cleo)).length === 1);
  expect((await received(cleo))[0]).toMatchObject({
    actor_id: ada.userId,
    subject: invitationId,
    data: { project_id: id, role: "collaborator" },
  });
  expect((await cleo.call("GET", `/projects/${id}`)).status).toBe(404);
  expect(await listMine(cleo)).toEqual([
    {
      id: invitationId,
      project_id: id,
      project_name: "Agora",
      role: "collaborator",
      invited_by: ada.userId,
      invited_by_name: null,
      invited_at: TIME,
      expires_at: TIME,
    },
  ]);
  const accepted = await cleo.call("POST", `/invitations/${invitationId}/accept`);
  expect([accepted.status, accepted.body.id, accepted.body.role]).toEqual([200, id, "collaborator"]);
  expect(await listMine(cleo)).toEqual([]);
  const log = await listEvents(stage.db.sql, id);
  expect(log.at(-1)).toMatchObject({
    event: "collaborator.added",
    actor_id: cleo.userId,
    subject: cleo.userId,
    data: { role: "collaborator" },
  });
  const personal = await listEvents(stage.db.sql, personalStreamId(cleo.userId));
  expect(personal.at(-1)).toMatchObject({ event: "project.shared", actor_id: ada.userId, subject: id });
});

test("[PRJ-21] an invitation is open to its address alone, and only once that is verified", async () => {
  const dora = await signUp(stage);
  const id = await createProject(ada);
  const invitationId = await invitationIdOf(ada, id, dora.email);
  for (const person of [dora, ben, ada]) {
    expect(await listMine(person)).not.toContainEqual(expect.objectContaining({ id: invitationId }));
    for (const [method, path] of [
      ["POST", "/accept"],
      ["DELETE", ""],
    ] as const) {
      const answer = await person.call(method, `/invitations/${invitationId}${path}`);
      expect([answer.status, answer.body.code]).toEqual([404, "INVITATION_NOT_FOUND"]);
    }
  }
  await until("the end of the notices", async () => {
    const left = await stage.db.sql`SELECT FROM jobs WHERE task = 'projects.notice_invitation'`;
    return left.length === 0;
  });
  expect(await received(dora)).toEqual([]);
  await stage.verify(dora);
  expect((await received(dora)).map(({ subject }) => subject)).toEqual([invitationId]);
  expect((await dora.call("POST", `/invitations/${invitationId}/accept`)).status).toBe(200);
});

test("[PRJ-21] who was invited can decline, and then cannot accept", async () => {
  const id = await createProject(ada);
  const invitationId = await invitationIdOf(ada, id, ben.email);
  expect((await ben.call("DELETE", `/invitations/${invitationId}`)).status).toBe(204);
  expect((await ben.call("POST", `/invitations/${invitationId}/accept`)).status).toBe(404);
  expect((await ada.call("GET", `/projects/${id}/collaborators`)).body.items).toEqual([]);
  expect((await listEvents(stage.db.sql, id)).at(-1)).toMatchObject({
    event: "collaborator.uninvited",
    actor_id: ben.userId,
    subject: invitationId,
  });
});

test("[PRJ-21] a project that is deleted or archived takes nobody in", async () => {
  const id = await createProject(ada);
  const path = `/invitations/${await invitationIdOf(ada, id, ben.email)}/accept`;
  await ada.call("PATCH", `/projects/${id}`, { status: "archived" });
  expect((await ben.call("POST", path)).body.code).toBe("PROJECT_ARCHIVED");
  await ada.call("DELETE", `/projects/${id}`);
  expect((await ben.call("POST", path)).body.code).toBe("INVITATION_NOT_FOUND");
  await ada.call("POST", `/projects/${id}/restore`);
  await ada.call("PATCH", `/projects/${id}`, { status: "active" });
  expect((await ben.call("POST", path)).status).toBe(200);
});

test("[PRJ-22] the mail says what it is about, and no name can put a link or a line of its own into it", async () => {
  const id = await createProject(
    ada,
    "Win at https://evil.example/now\u2028Dear user,  write to me@evil.example",
  );
  const address = newAddress();
  await invite(ada, id, address, "viewer");
  const [mail] = mailsTo(address);
  expect(mail?.text.split("\n")[0]).toBe(
    'You are invited to the project "Win at https·evil·example·now Dear user, write to me·evil·example". You could read everything in it.',
  );
  const links = mail?.text.match(/\S*:\/\/\S*/g);
  expect(links).toEqual([expect.stringMatching(/^http:\/\/localhost:\d+$/)]);
});

test("[PRJ-23] inviting again renews the one invitation", async () => {
  const id = await createProject(ada);
  const address = newAddress();
  const first = await invite(ada, id, address, "viewer");
  await stage.db
    .sql`UPDATE project_invitations SET expires_at = now() + interval '1 day' WHERE project_id = ${id}`;
  const second = await invite(ada, id, address.toUpperCase(), "collaborator");
  expect(second.body.invitation_id).toBe(first.body.invitation_id);
  const { items } = (await ada.call("GET", `/projects/${id}/collaborators`)).body;
  expect(items).toEqual([second.body]);
  const days = (Date.parse(String(second.body.expires_at)) - Date.now()) / 86_400_000;
  expect(days).toBeCloseTo(14, 1);
  expect(stage.mails.filter(({ to }) => to.toLowerCase() === address)).toHaveLength(2);
});

test("[PRJ-23] an invitation that has expired is gone", async () => {
  const id = await createProject(ada);
  const invitationId = await invitationIdOf(ada, id, ben.email);
  await stage.db.sql`UPDATE project_invitations SET expires_at = now() WHERE project_id = ${id}`;
  expect(await listMine(ben)).not.toContainEqual(expect.objectContaining({ id: invitationId }));
  expect((await ada.call("GET", `/projects/${id}/collaborators`)).body.items).toEqual([]);
  expect((await ben.call("POST", `/invitations/${invitationId}/accept`)).status).toBe(404);
  const withdrawn = await ada.call("DELETE", `/projects/${id}/invitations/${invitationId}`);
  expect(withdrawn.body.code).toBe("INVITATION_NOT_FOUND");
  // Made anew it is another one: a link to the old one stays worth nothing.
  expect(await invitationIdOf(ada, id, ben.email)).not.toBe(invitationId);
});

test("[PRJ-23] what has expired is deleted, and the address with it", async () => {
  const id = await createProject(ada);
  const [stale, open] = [newAddress(), newAddress()];
  for (const email of [stale, open]) await invite(ada, id, email);
  await stage.db.sql`UPDATE project_invitations SET expires_at = now() WHERE email_key = ${stale}`;
  await stage.db.sql`
    UPDATE project_invitation_mails SET at = at - interval '25 hours' WHERE email_key = ${stale}`;
  const housekeeping = createHousekeeping({ db: stage.db, log: silentLogger });
  await housekeeping.start();
  await housekeeping.stop();
  const kept = await stage.db.sql<{ email_key: string }>`
    SELECT email_key FROM project_invitations WHERE project_id = ${id}
    UNION ALL SELECT email_key FROM project_invitation_mails WHERE project_id = ${id}`;
  expect(kept.map((row) => row.email_key)).toEqual([open, open]);
});

test("[PRJ-24] the owner sees invitations after the collaborators, page by page; others do not", async () => {
  const id = await createProject(ada);
  await share(ada, id, ben, "viewer");
  const emails = [newAddress(), newAddress(), newAddress()];
  for (const email of emails) await invite(ada, id, email);
  const seen: unknown[] = [];
  for (let cursor: unknown = ""; cursor !== null; ) {
    const query = `limit=2${cursor && `&cursor=${cursor}`}`;
    const { body } = await ada.call("GET", `/projects/${id}/collaborators?${query}`);
    seen.push(
      ...(body.items as { user_id?: string; email?: string }[]).map((one) => one.user_id ?? one.email),
    );
    cursor = body.next_cursor;
  }
  expect(seen).toEqual([ben.userId, ...emails]);
  const { items } = (await ben.call("GET", `/projects/${id}/collaborators`)).body;
  expect(items).toEqual([expect.objectContaining({ user_id: ben.userId })]);
});

test("[PRJ-24] a withdrawn invitation cannot be accepted", async () => {
  const id = await createProject(ada);
  const invitationId = await invitationIdOf(ada, id, ben.email);
  const path = `/projects/${id}/invitations/${invitationId}`;
  expect((await ada.call("DELETE", path)).status).toBe(204);
  expect((await ada.call("DELETE", path)).body.code).toBe("INVITATION_NOT_FOUND");
  expect((await ben.call("POST", `/invitations/${invitationId}/accept`)).status).toBe(404);
  // Of another project it is not there either.
  const other = await invitationIdOf(ada, await createProject(ada), ben.email);
  expect((await ada.call("DELETE", `/projects/${id}/invitations/${other}`)).status).toBe(404);
});

test("[PRJ-25] a project sends 20 invitations an hour, renewed and withdrawn ones counted, exactly", async () => {
  const owner = await signUp(stage);
  const id = await createProject(owner);
  const address = newAddress();
  await owner.call("DELETE", `/projects/${id}/invitations/${await invitationIdOf(owner, id, address)}`);
  const answers = await Promise.all(Array.from({ length: 25 }, () => invite(owner, id, newAddress())));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(6);
  expect(refused[0]?.body.code).toBe("INVITATION_LIMIT");
  const seconds = Number(refused[0]?.headers.get("Retry-After"));
  expect([seconds > 3_500, seconds <= 3_600]).toEqual([true, true]);
  // Half an hour later, half an hour is left; after the hour there is room.
  await stage.db
    .sql`UPDATE project_invitation_mails SET at = at - interval '30 minutes' WHERE project_id = ${id}`;
  const later = Number((await invite(owner, id, address)).headers.get("Retry-After"));
  expect([later > 1_700, later <= 1_800]).toEqual([true, true]);
  await stage.db
    .sql`UPDATE project_invitation_mails SET at = at - interval '30 minutes' WHERE project_id = ${id}`;
  expect((await invite(owner, id, address)).status).toBe(201);
});

test("[PRJ-25] who makes many projects sends 50 invitations an hour", async () => {
  const owner = await signUp(stage);
  const statuses: number[] = [];
  for (let n = 0; n < 6; n++) {
    const id = await createProject(owner);
    const answers = await Promise.all(Array.from({ length: 9 }, () => invite(owner, id, newAddress())));
    statuses.push(...answers.map(({ status }) => status));
  }
  expect([statuses.filter((status) => status === 201).length, statuses.at(-1)]).toEqual([50, 429]);
});

test("[PRJ-25] an address gets 10 mails a day, and who invites it is not told", async () => {
  const victim = newAddress();
  for (let n = 0; n < 12; n++) {
    const owner = n < 10 ? ben : ada;
    expect((await invite(owner, await createProject(owner), victim)).status).toBe(201);
  }
  expect(mailsTo(victim)).toHaveLength(10);
});

test("[PRJ-26] an invitation is accepted once, however often at once, and a role stays", async () => {
  const id = await createProject(ada);
  const invitationId = await invitationIdOf(ada, id, ben.email);
  const accept = () => ben.call("POST", `/invitations/${invitationId}/accept`);
  const statuses = (await Promise.all([accept(), accept(), accept()])).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 404, 404]);
  const added = (await listEvents(stage.db.sql, id)).filter(({ event }) => event === "collaborator.added");
  expect(added).toHaveLength(1);
  const again = (await invite(ada, id, ben.email, "viewer")).body.invitation_id;
  const kept = await ben.call("POST", `/invitations/${again}/accept`);
  expect([kept.status, kept.body.role]).toEqual([200, "collaborator"]);
});

test("[PRJ-26] of accepting and withdrawing at once one happens", async () => {
  for (let round = 0; round < 10; round++) {
    const id = await createProject(ada);
    const invitationId = await invitationIdOf(ada, id, newAddress());
    await stage.db.sql`UPDATE project_invitations SET email_key = ${ben.email} WHERE id = ${invitationId}`;
    const answers = await Promise.all([
      ben.call("POST", `/invitations/${invitationId}/accept`),
      ada.call("DELETE", `/projects/${id}/invitations/${invitationId}`),
    ]);
    const isIn = (await ben.call("GET", `/projects/${id}`)).status === 200;
    expect(answers.map(({ status }) => status)).toEqual(isIn ? [200, 404] : [404, 204]);
  }
});
