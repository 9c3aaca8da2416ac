import { expect, test } from "bun:test";
import { type Person, signUp } from "../../testing/requests.ts";
import { join, listen, openLiveServer } from "./testing/listener.ts";
import { read } from "./testing/reader.ts";

test("[LIVE-29] connections are closed with 3012 one after the other, streams end, no new ones are taken", async () => {
  const server = await openLiveServer({ environment: { SHUTDOWN_GRACE_SECONDS: "5" } });
  const ada: Person = await signUp(server);
  const all = [];
  for (let index = 0; index < 40; index++) all.push(await join(server.port, ada.token, ada.projectId));
  const stream = await read(server.port, ada.projectId, {
    headers: { Authorization: `Bearer ${ada.token}` },
  });
  await stream.first("subscribed");
  const closedMs: number[] = [];
  const startedMs = performance.now();
  const ends = all.map((each) =>
    each.closed().then(({ code }) => {
      closedMs.push(performance.now() - startedMs);
      return code;
    }),
  );
  const stopping = server.kernel.http.stop();
  const late = listen(server.port);
  expect(new Set(await Promise.all(ends))).toEqual(new Set([3012]));
  await stream.ended();
  expect((await late.closed()).code).not.toBe(1000);
  await stopping;
  expect(performance.now() - startedMs).toBeLessThan(3_000);
  // 41 of them in 410 ms.
  expect(Math.max(...closedMs) - Math.min(...closedMs)).toBeGreaterThan(200);
  await server.stop();
}, 20_000);

test("[LIVE-29] an idle server stops at once", async () => {
  const server = await openLiveServer();
  const startedMs = performance.now();
  await server.stop();
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});
