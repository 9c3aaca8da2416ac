import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { testTextSource } from "../../testing/text-source.ts";

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer();
  ada = await signUp(server);
});
afterAll(() => server.stop());

test("[TXT-153] a paragraph says how it came, also before it is analysed and in lists", async () => {
  const projectId = await createProject(ada);
  const { body } = await ada.call("POST", "/paragraphs/fetch", { project_id: projectId });
  const [fetched] = body.paragraphs as { id: string }[];
  await ada.call("POST", "/paragraphs", { paragraphs: ["Handed in."], project_id: projectId });
  await ada.call("POST", `/paragraphs/import?project_id=${projectId}`, "Imported.\n", {
    "Content-Type": "text/plain",
  });
  await ada.call("POST", "/posts", { title: "T", body: "Posted.", project_id: projectId });
  const { body: list } = await ada.call("GET", `/paragraphs?project_id=${projectId}`);
  const sources = (list.items as { source: string }[]).map(({ source }) => source);
  expect(sources.sort()).toEqual(["direct", "fetch", "fetch", "import", "post"]);
  expect((await ada.call("GET", `/paragraphs/${fetched?.id}`)).body.source).toBe("fetch");
});

test("[SRC-13] hits are narrowed by how they came and from where, and counted by it", async () => {
  const projectId = await createProject(ada);
  const ok = async (method: string, path: string, body: unknown, headers = {}) => {
    const answer = await ada.call(method, path, body, headers);
    expect([path, answer.status < 300, answer.body.detail]).toEqual([path, true, undefined]);
    return answer.body;
  };
  await ok("POST", "/paragraphs", {
    paragraphs: ["One handed in.", "A second one handed in."],
    project_id: projectId,
  });
  const file = "One of a file.\n\nOne more of a file.\n\nThe last one.\n";
  await ok("POST", `/paragraphs/import?project_id=${projectId}`, file, { "Content-Type": "text/plain" });
  await ok("POST", "/paragraphs/fetch", { project_id: projectId });
  await ok("POST", "/posts", { title: "T", body: "One in a post.", project_id: projectId });

  const search = async (more: string) => {
    const { status, body } = await ada.call("GET", `/search?project_id=${projectId}&q=one${more}`);
    return {
      status,
      body,
      sources: ((body.items ?? []) as { paragraph: { source: string } }[]).map(sourceOf),
    };
  };
  expect((await search("&facets=source")).body.facets).toEqual({
    source: [
      { value: "import", count: 3 },
      { value: "direct", count: 2 },
      { value: "fetch", count: 1 },
      { value: "post", count: 1 },
    ],
  });
  expect((await search("&source=import")).sources).toEqual(["import", "import", "import"]);
  expect((await search("&source=direct")).sources).toEqual(["direct", "direct"]);
  expect((await search("&source=post")).sources).toEqual(["post"]);
  const address = encodeURIComponent(`${testTextSource()}#part`);
  expect((await search(`&source=${address}`)).sources).toEqual(["fetch"]);
  expect((await search(`&source=${address.replace("paragraphs", "others")}`)).sources).toEqual([]);
  for (const wrong of ["elsewhere", "ftp://a.b", "http://"]) {
    expect([wrong, (await search(`&source=${wrong}`)).status]).toEqual([wrong, 422]);
  }
});

function sourceOf({ paragraph }: { paragraph: { source: string } }): string {
  return paragraph.source;
}
