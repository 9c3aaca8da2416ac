import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";
import { until } from "../../../testing/until.ts";

let server: TestServer;
let ada: Person;
let projectId: string;
beforeAll(async () => {
  server = await openTestServer();
  ada = await signUp(server);
  projectId = await createProject(ada);
});
afterAll(() => server.stop());

const ask = (query = "") => ada.call("GET", `/texts/statistics?project_id=${projectId}${query}`);

test("[TXT-151] the numbers of a project are exact, days without text are zero", async () => {
  const empty = await ask();
  expect(empty.body).toMatchObject({ paragraphs: 0, words: 0, distinct_words: 0 });
  const paragraphs = ["The whale, the whale!", "No fish.", "the"];
  const { body } = await ada.call("POST", "/paragraphs", { paragraphs, project_id: projectId });
  const analysed = await until("all to be analysed", async () => {
    const answer = await ask("&days=3");
    return answer.body.paragraphs === 3 && answer;
  });
  expect(analysed.body).toMatchObject({ words: 7, distinct_words: 4 });
  const days = analysed.body.by_day as { day: string; paragraphs: number }[];
  expect(days.map((each) => each.paragraphs)).toEqual([0, 0, 3]);
  expect(days.at(-1)?.day).toBe(new Date().toISOString().slice(0, 10));
  const [first] = body.paragraphs as { id: string }[];
  await ada.call("DELETE", `/paragraphs/${first?.id}`);
  const after = await ask("&days=1");
  expect(after.body).toMatchObject({ paragraphs: 2, words: 3, distinct_words: 3 });
  expect((after.body.by_day as { paragraphs: number }[])[0]?.paragraphs).toBe(2);
  for (const query of ["&days=0", "&days=367"])
    expect([query, (await ask(query)).status]).toEqual([query, 422]);
});

test("[TXT-152] of a word, the days on which paragraphs with it were handed in; deleted ones do not count", async () => {
  const secretKey = Buffer.alloc(32, 7).toString("base64");
  const idle = await openTestServer({ works: false, secretKey });
  const ben = await signUp(idle);
  const paragraphs = ["gull gull", "gull", "gull gull gull", "no bird"];
  const { body } = await ben.call("POST", "/paragraphs", { paragraphs });
  const [first, second] = (body.paragraphs as { id: string }[]).map(({ id }) => id);
  // The time is in the id: as if it had been handed in on the first of May.
  const may = Date.UTC(2026, 4, 1, 12).toString(16).padStart(12, "0");
  const moved = `${may.slice(0, 8)}-${may.slice(8)}${first?.slice(13)}`;
  await idle.db.sql`UPDATE paragraphs SET id = ${moved} WHERE id = ${first}`;
  const working = await openTestServer({ db: idle.db, secretKey });
  try {
    await until("all to be analysed", async () => {
      return (await ben.call("GET", "/texts/statistics")).body.paragraphs === paragraphs.length;
    });
    await ben.call("DELETE", `/paragraphs/${second}`);
    const today = new Date().toISOString().slice(0, 10);
    expect((await ben.call("GET", "/dictionary/gull")).body.by_day).toEqual([
      { day: "2026-05-01", paragraphs: 1, count: 2 },
      { day: today, paragraphs: 1, count: 3 },
    ]);
  } finally {
    await working.kernel.stop();
    await idle.stop();
  }
});
