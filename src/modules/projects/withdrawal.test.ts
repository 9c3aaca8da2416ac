import { afterAll, beforeAll, expect, test } from "bun:test";
import { createChance } from "../../testing/chance.ts";
import { listEvents } from "../../testing/expectations.ts";
import { type Answer, createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  [ada, ben] = [await signUp(server), await signUp(server)];
});
afterAll(() => server.stop());

interface Scene {
  readonly projectId: string;
  readonly postId: string;
  readonly collectionId: string;
}

async function createScene(): Promise<Scene> {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  const make = async (path: string, body: object) =>
    String((await ben.call("POST", path, { ...body, project_id: projectId })).body.id);
  return {
    projectId,
    postId: await make("/posts", { title: "A", body: "a" }),
    collectionId: await make("/collections", { name: "Best" }),
  };
}

/** Each makes an event, unless it is refused. */
const WRITES: ((scene: Scene, n: number) => Promise<Answer>)[] = [
  ({ projectId }, n) => ben.call("POST", "/paragraphs", { paragraphs: [`word ${n}`], project_id: projectId }),
  ({ projectId }, n) =>
    ben.call("POST", "/paragraphs", { paragraphs: Array(20).fill(`w ${n}`), project_id: projectId }),
  ({ projectId }, n) =>
    ben.call("POST", `/paragraphs/import?project_id=${projectId}`, `word ${n}`, {
      "Content-Type": "text/plain",
    }),
  async ({ projectId }) => {
    const made = await ben.call("POST", "/paragraphs", { paragraphs: ["word"], project_id: projectId });
    const [paragraph] = (made.body.paragraphs ?? []) as { id: string }[];
    return paragraph ? ben.call("DELETE", `/paragraphs/${paragraph.id}`) : made;
  },
  async ({ projectId }) => {
    const body = { title: "P", body: "b", project_id: projectId };
    const made = await ben.call("POST", "/posts", body);
    return made.status === 201 ? ben.call("DELETE", `/posts/${made.body.id}`) : made;
  },
  ({ projectId }, n) =>
    ben.call("POST", "/posts", { title: `P ${n}`, body: `b ${n}`, project_id: projectId }),
  ({ postId }, n) => ben.call("PATCH", `/posts/${postId}`, { body: `b ${n}` }),
  ({ collectionId }, n) => ben.call("PUT", `/collections/${collectionId}`, { name: `C ${n}` }),
  ({ projectId }, n) => ben.call("POST", "/collections", { name: `D ${n}`, project_id: projectId }),
  ({ postId, collectionId }) => ben.call("PUT", `/collections/${collectionId}/posts/${postId}`),
];

const WITHDRAWALS: [event: string, code: string, withdraw: (id: string) => Promise<Answer>][] = [
  [
    "collaborator.removed",
    "NOT_FOUND",
    (id) => ada.call("DELETE", `/projects/${id}/collaborators/${ben.userId}`),
  ],
  [
    "collaborator.changed",
    "PROJECT_FORBIDDEN",
    (id) => ada.call("PATCH", `/projects/${id}/collaborators/${ben.userId}`, { role: "viewer" }),
  ],
  [
    "project.archived",
    "PROJECT_ARCHIVED",
    (id) => ada.call("PATCH", `/projects/${id}`, { status: "archived" }),
  ],
  ["project.deleted", "NOT_FOUND", (id) => ada.call("DELETE", `/projects/${id}`)],
];

/** Writes go on from several tasks until one is refused; the withdrawal comes in between. */
async function race(scene: Scene, withdraw: () => Promise<Answer>, afterWrites: number): Promise<Answer[]> {
  let written = 0;
  let reached = () => {};
  const enough = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const refused: Answer[] = [];
  const writer = async (task: number) => {
    for (let n = task; ; n += 1) {
      const write = WRITES[n % WRITES.length];
      const answer = await write?.(scene, n * 100 + task);
      if (!answer || answer.status >= 400) {
        if (answer) refused.push(answer);
        // Also where one fails for another reason: the test then says so.
        return reached();
      }
      if (++written === afterWrites) reached();
    }
  };
  const writers = Array.from({ length: 8 }, (_, task) => writer(task));
  await enough;
  expect((await withdraw()).status).toBeLessThan(300);
  await Promise.all(writers);
  return refused;
}

test.each(WITHDRAWALS)(
  "[PRJ-33] no write is committed after %s, whatever was under way",
  async (event, code, withdraw) => {
    const chance = createChance(event);
    for (let round = 0; round < 6; round++) {
      const scene = await createScene();
      const refused = await race(scene, () => withdraw(scene.projectId), 1 + chance.below(20));
      const log = await listEvents(server.db.sql, scene.projectId);
      const at = log.find((entry) => entry.event === event)?.seq ?? 0;
      const after = log.filter((entry) => entry.actor_id === ben.userId && entry.seq > at);
      expect([at > 0, after.map((entry) => entry.event)]).toEqual([true, []]);
      expect(refused).toHaveLength(8);
      for (const { body } of refused) expect(String(body.code)).toEndWith(code);
    }
  },
);

test("[PRJ-33] a withdrawal waits for the writes that have begun, and those that come wait for it", async () => {
  const { projectId } = await createScene();
  const head = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  const holding = server.db.transaction(
    async (tx) => {
      await tx`SELECT FROM event_heads WHERE project_id = ${projectId} FOR UPDATE`;
      isHeld.resolve();
      await head.promise;
    },
    { pool: "long" },
  );
  await isHeld.promise;
  const order: string[] = [];
  // With a key it is a transaction, which waits for locks as long as it takes; a single statement would begin anew.
  const write = (name: string) =>
    ben
      .call("POST", "/posts", { title: name, body: name, project_id: projectId }, { "Idempotency-Key": name })
      .then(({ status }) => order.push(`${name} ${status}`));
  const early = write("early");
  await waiters(1);
  const removal = ada
    .call("DELETE", `/projects/${projectId}/collaborators/${ben.userId}`)
    .then(({ status }) => order.push(`removal ${status}`));
  await waiters(2);
  const late = write("late");
  await waiters(3);
  head.resolve();
  await Promise.all([holding, early, removal, late]);
  expect(order.toSorted()).toEqual(["early 201", "late 404", "removal 204"]);
  const log = await listEvents(server.db.sql, projectId);
  expect(log.at(-1)?.event).toBe("collaborator.removed");
});

async function waiters(count: number): Promise<void> {
  for (let found = 0; found < count; ) {
    const [row] = await server.db.longSql<{ n: number }>`
      SELECT count(DISTINCT pid)::int AS n FROM pg_locks WHERE NOT granted
        AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`;
    found = row?.n ?? 0;
  }
}
