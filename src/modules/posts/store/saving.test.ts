import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";
import { findPostToChange } from "./posts.ts";
import { updatePost } from "./saving.ts";

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  ada = await signUp(server);
});
afterAll(() => server.stop());

test("[PST-5] what was read is written only if it is still the same, though its version be", async () => {
  const { db } = server;
  const project_id = await createProject(ada);
  const { body } = await ada.call("POST", "/posts", { title: "A", body: "one", project_id });
  const id = String(body.id);
  const nothing = { parts: db.sql`post_job AS (SELECT)`, events: [] };
  const edit = {
    content: { title: "B", body: "two", path: null },
    userId: ada.userId,
    linesAdded: 1,
    linesRemoved: 1,
    restoredFrom: null,
  };
  const read = () => findPostToChange(db.sql, id, ada.userId, db.sql`'{}'::jsonb`);
  const stale = await read();
  if (!stale) throw new Error("the post is not there");
  await ada.call("DELETE", `/posts/${id}`);
  expect(await db.single((tx) => updatePost(tx, stale, edit, nothing))).toBeUndefined();
  await ada.call("POST", `/posts/${id}/restore`);
  expect(await db.single((tx) => updatePost(tx, stale, edit, nothing))).toBeUndefined();
  expect((await ada.call("GET", `/posts/${id}`)).body).toEqual(body);
  const fresh = await read();
  if (!fresh) throw new Error("the post is not there");
  expect(await db.single((tx) => updatePost(tx, fresh, edit, nothing))).toMatchObject({
    version: 2,
    title: "B",
  });
});
