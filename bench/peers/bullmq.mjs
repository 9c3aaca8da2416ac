// BullMQ on Redis: one worker with as many jobs at once, on a connection of its own.
import { Queue, Worker } from "bullmq";
import { forAWhile } from "./for-a-while.mjs";

const { what, redisSocket, connections, concurrency, bulk, enqueueMs, drained } = JSON.parse(process.argv[2]);
const connection = { path: redisSocket, maxRetriesPerRequest: null };
const queues = Array.from({ length: connections }, () => new Queue("bench", { connection }));

console.log(JSON.stringify(what === "drain" ? await drain() : await enqueue()));
await Promise.all(queues.map((queue) => queue.close()));
process.exit(0);

async function enqueue() {
  let next = 0;
  const turn = () => queues[next++ % queues.length];
  const single = await forAWhile(enqueueMs, connections * 4, () =>
    turn()
      .add("nothing", { n: 1 })
      .then(() => 1),
  );
  const jobs = Array.from({ length: bulk }, (_, n) => ({ name: "nothing", data: { n } }));
  const many = await forAWhile(enqueueMs, 2, () =>
    turn()
      .addBulk(jobs)
      .then(() => bulk),
  );
  await queues[0].obliterate({ force: true });
  return { singlePerSecond: single, bulkPerSecond: many };
}

async function drain() {
  for (let made = 0; made < drained; made += bulk) {
    await queues[0].addBulk(Array.from({ length: bulk }, (_, n) => ({ name: "nothing", data: { n } })));
  }
  let startedMs;
  let ended = 0;
  const { promise: all, resolve } = Promise.withResolvers();
  const worker = new Worker(
    "bench",
    async () => {
      startedMs ??= performance.now();
    },
    { connection, concurrency },
  );
  // Told after Redis has answered that it is written.
  worker.on("completed", () => {
    if (++ended === drained) resolve();
  });
  await all;
  const seconds = (performance.now() - startedMs) / 1000;
  await worker.close();
  await queues[0].obliterate({ force: true });
  return { drainedPerSecond: drained / seconds };
}
