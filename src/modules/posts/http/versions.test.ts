import { afterAll, beforeAll, expect, test } from "bun:test";
import { TIME } from "../../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  [ada, ben] = await Promise.all([signUp(server), signUp(server)]);
});
afterAll(() => server.stop());

/** A post at version 4, the second by Ben. */
async function createStory(): Promise<string> {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  const { body } = await ada.call("POST", "/posts", { title: "One", body: "a\nb", project_id: projectId });
  const path = `/posts/${body.id}`;
  await ben.call("PATCH", path, { body: "a\nb\nc" });
  await ada.call("PATCH", path, { title: "Three", path: "x.md" });
  await ada.call("PATCH", path, { body: "c" });
  return path;
}

test("[PST-9] every version stays, with who, when and how much", async () => {
  const path = await createStory();
  const { body } = await ben.call("GET", `${path}/versions`);
  const version = (number: number, fields: object) => ({
    post_id: path.slice("/posts/".length),
    version: number,
    title: "Three",
    path: "x.md",
    author_id: ada.userId,
    created_at: TIME,
    lines_added: 0,
    lines_removed: 0,
    restored_from: null,
    editor_ids: [(fields as { author_id?: string }).author_id ?? ada.userId],
    ...fields,
  });
  expect(body).toEqual({
    items: [
      version(4, { lines_removed: 2 }),
      version(3, {}),
      version(2, { title: "One", path: null, author_id: ben.userId, lines_added: 1 }),
      version(1, { title: "One", path: null, lines_added: 2 }),
    ],
    next_cursor: null,
  });
  const times = (body.items as { created_at: string }[]).map(({ created_at }) => created_at);
  expect(times).toEqual([...times].sort().reverse());
  const bodies = ["a\nb", "a\nb\nc", "a\nb\nc", "c"];
  for (const [index, text] of bodies.entries()) {
    const one = await ben.call("GET", `${path}/versions/${index + 1}`);
    expect([one.status, one.body]).toEqual([200, { ...(body.items as object[])[3 - index], body: text }]);
  }
});

test("[PST-9] versions are listed page by page, each once", async () => {
  const path = await createStory();
  const first = await ada.call("GET", `${path}/versions?limit=3`);
  const second = await ada.call("GET", `${path}/versions?limit=3&cursor=${first.body.next_cursor}`);
  const numbers = [first, second].flatMap(({ body }) =>
    (body.items as { version: number }[]).map(({ version }) => version),
  );
  expect([numbers, second.body.next_cursor]).toEqual([[4, 3, 2, 1], null]);
});

test("[PST-9] a version that there is not is not found", async () => {
  const path = await createStory();
  for (const version of ["5", "0", "-1", "1.5", "1e1", "one", "99999999999"]) {
    const answer = await ada.call("GET", `${path}/versions/${version}`);
    expect([version, answer.status, answer.body.code]).toEqual([version, 404, "VERSION_NOT_FOUND"]);
  }
  const restored = await ada.call("POST", `${path}/versions/5/restore`);
  expect(restored).toMatchObject({ status: 404, body: { code: "VERSION_NOT_FOUND" } });
});

test("[PST-10] an earlier version is taken up as a new one; the path stays", async () => {
  const path = await createStory();
  const answer = await ben.call("POST", `${path}/versions/2/restore`, undefined, { "If-Match": '"4"' });
  expect(answer).toMatchObject({
    status: 200,
    body: { title: "One", body: "a\nb\nc", path: "x.md", version: 5, updated_by: ben.userId },
  });
  expect(answer.headers.get("ETag")).toBe('"5"');
  const { body } = await ada.call("GET", `${path}/versions?limit=1`);
  expect(body.items).toMatchObject([{ version: 5, restored_from: 2, lines_added: 2, lines_removed: 0 }]);
});

test("[PST-10] taking up what is there already changes nothing", async () => {
  const path = await createStory();
  const answer = await ada.call("POST", `${path}/versions/4/restore`);
  expect([answer.status, answer.body.version]).toEqual([200, 4]);
});
