import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, signUp } from "../../testing/requests.ts";
import { join, type LiveServer, openLiveServer } from "./testing/listener.ts";

let server: LiveServer;
let ada: Person;
beforeAll(async () => {
  server = await openLiveServer();
  ada = await signUp(server);
});
afterAll(() => server.stop());

test("[PRJ-31] a deleted project shows its followers out; restored, its feed goes on where it stood", async () => {
  const projectId = await createProject(ada);
  const first = await join(server.port, ada.token, projectId);
  const { epoch } = await first.first("subscribed");
  await ada.call("DELETE", `/projects/${projectId}`);
  expect((await first.closed(1_000)).code).toBe(4403);
  expect(first.numbers()).toEqual([2]);
  await ada.call("POST", `/projects/${projectId}/restore`);
  // What happened before, the deletion too, is past: it shows nobody out.
  const second = await join(server.port, ada.token, projectId, `${epoch}:1`);
  await ada.call("PATCH", `/projects/${projectId}`, { name: "Back" });
  expect(await second.upTo(4)).toEqual([2, 3, 4]);
  expect(second.frames.filter(({ type }) => type === "event").map(({ event }) => event)).toEqual([
    "project.deleted",
    "project.restored",
    "project.updated",
  ]);
  second.close();
});
