import { afterAll, beforeAll, expect, test } from "bun:test";
import { listEvents } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer();
  ada = await signUp(server);
});
afterAll(() => server.stop());

interface Found {
  readonly total_count: number;
  readonly items: { paragraph: { id: string; content: string; post_id: string; author_id: string } }[];
}

const top = async (projectId: string, word: string): Promise<Found> => {
  const { body } = await ada.call("GET", `/paragraphs/top?project_id=${projectId}&word=${word}`);
  return body as unknown as Found;
};

const analysed = (projectId: string) =>
  until("the analysis", async () => {
    const { body } = await ada.call("GET", `/paragraphs?project_id=${projectId}&status=pending`);
    return (body.items as unknown[]).length === 0;
  });

const analysedIds = async (projectId: string) =>
  (await listEvents(server.db.sql, projectId))
    .filter(({ event }) => event === "paragraphs.analysed")
    .flatMap(({ data }) => data.ids as string[]);

test("[PST-15] a body's paragraphs are found by their words and point back to the post", async () => {
  const projectId = await createProject(ada);
  const body = "# On whales\n\nA whale is no fish.\nThe whale breathes.\n\n- one whale\n- another";
  const created = await ada.call("POST", "/posts", { title: "Whales", body, project_id: projectId });
  const id = String(created.body.id);
  await analysed(projectId);
  const found = await top(projectId, "whale");
  expect(found.total_count).toBe(3);
  expect(found.items.map(({ paragraph }) => [paragraph.content, paragraph.post_id])).toEqual([
    ["A whale is no fish. The whale breathes.", id],
    ["- one whale\n- another", id],
  ]);
});

test("[PST-15] a change analyses only what is new, and what is gone is found no more", async () => {
  const projectId = await createProject(ada);
  const ben = await signUp(server);
  await share(ada, projectId, ben, "collaborator");
  const created = await ada.call("POST", "/posts", {
    title: "Birds",
    body: "the gull flies\n\nthe tern dives\n\nthe swan swims",
    project_id: projectId,
  });
  await analysed(projectId);
  const gull = (await top(projectId, "gull")).items[0]?.paragraph;
  const before = await analysedIds(projectId);
  expect(before).toHaveLength(3);

  await ben.call("PATCH", `/posts/${created.body.id}`, {
    body: "the swan sleeps\n\nthe gull flies\n\nthe tern dives",
  });
  // Gone at once, before anything is analysed.
  expect((await top(projectId, "swims")).total_count).toBe(0);
  await analysed(projectId);
  expect((await top(projectId, "gull")).items[0]?.paragraph).toEqual(gull as Found["items"][0]["paragraph"]);
  const swan = (await top(projectId, "swan")).items;
  expect(swan.map(({ paragraph }) => [paragraph.content, paragraph.author_id])).toEqual([
    ["the swan sleeps", ben.userId],
  ]);
  expect((await analysedIds(projectId)).slice(3)).toEqual(swan.map(({ paragraph }) => paragraph.id));

  await ada.call("PATCH", `/posts/${created.body.id}`, { title: "Sea birds", path: "birds.md" });
  await ada.call("DELETE", `/posts/${created.body.id}`);
  expect((await top(projectId, "the")).total_count).toBe(0);
  await ada.call("POST", `/posts/${created.body.id}/restore`);
  await analysed(projectId);
  expect((await top(projectId, "the")).total_count).toBe(3);
});
