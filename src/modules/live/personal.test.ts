import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { type LiveServer, listen, openLiveServer } from "./testing/listener.ts";

let server: LiveServer;
let ada: Person;
beforeAll(async () => {
  server = await openLiveServer();
  ada = await signUp(server);
});
afterAll(() => server.stop());

async function follow(person: Person, since?: string) {
  const listener = listen(server.port);
  await listener.hello(person.token);
  listener.send({ type: "subscribe", stream: "me", ...(since === undefined ? {} : { since }) });
  const subscribed = await listener.first("subscribed");
  return { listener, subscribed };
}

test("[LIVE-28] who is added to a project and taken out is told on his own stream, and nobody else", async () => {
  const [ben, projectId] = [await signUp(server), await createProject(ada)];
  const [his, hers] = [await follow(ben), await follow(ada)];
  expect(his.subscribed).toEqual({ type: "subscribed", stream: "me", epoch: expect.any(String), seq: 0 });
  await share(ada, projectId, ben, "viewer");
  expect(await his.listener.first("event")).toEqual({
    type: "event",
    stream: "me",
    seq: 1,
    id: expect.any(String),
    event: "project.shared",
    actor_id: ada.userId,
    subject: projectId,
    data: { role: "viewer" },
    at: expect.any(String),
  });
  await ada.call("DELETE", `/projects/${projectId}/collaborators/${ben.userId}`);
  expect(await his.listener.upTo(2)).toEqual([1, 2]);
  expect(his.listener.frames.at(-1)).toMatchObject({ event: "project.unshared", subject: projectId });
  expect(hers.listener.numbers()).toEqual([]);
  his.listener.close();
  hers.listener.close();
});

test("[LIVE-28] it resumes with its own numbers, which are not those of the personal project", async () => {
  const ben = await signUp(server);
  const { listener, subscribed } = await follow(ben);
  listener.close();
  for (let index = 0; index < 5; index++) await share(ada, await createProject(ada), ben, "collaborator");
  await ben.call("PATCH", `/projects/${ben.projectId}`, { name: "Elsewhere" });
  const back = await follow(ben, `${subscribed.epoch}:0`);
  expect(await back.listener.upTo(5)).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(back.listener.frames.flatMap(({ event }) => (event ? [event] : [])))).toEqual(
    new Set(["project.shared"]),
  );
  const lost = await follow(ben, `${subscribed.epoch}:9`);
  expect(await lost.listener.first("reset")).toMatchObject({ stream: "me", seq: 5 });
  back.listener.close();
  lost.listener.close();
});

test("[LIVE-28] it cannot be reached as a project", async () => {
  const { listener } = await follow(ada);
  const streamId = `${ada.userId.slice(0, 14)}8${ada.userId.slice(15)}`;
  listener.send({ type: "subscribe", project_id: streamId });
  expect(await listener.first("error")).toMatchObject({ code: "PROJECT_NOT_FOUND", project_id: streamId });
  listener.close();
});
