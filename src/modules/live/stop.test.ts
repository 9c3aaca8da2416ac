import { expect, test } from "bun:test";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { type Person, signUp } from "../../testing/requests.ts";
import { join, listen, openLiveServer } from "./testing/listener.ts";
import { read } from "./testing/reader.ts";

test("[LIVE-29] connections are closed with 3012 one after the other, streams end, no new ones are taken", async () => {
  const server = await openLiveServer({ environment: { SHUTDOWN_GRACE_SECONDS: "20" } });
  const ada: Person = await signUp(server);
  const all = [];
  for (let index = 0; index < 40; index++) all.push(await join(server.port, ada.token, ada.projectId));
  const stream = await read(server.port, ada.projectId, {
    headers: { Authorization: `Bearer ${ada.token}` },
  });
  await stream.first("subscribed");
  const closedMs: number[] = [];
  const startedMs = performance.now();
  for (const each of all) {
    each.socket.addEventListener("close", () => closedMs.push(performance.now() - startedMs));
  }
  const ends = all.map((each) => each.closed().then(({ code }) => code));
  const stopping = server.kernel.http.stop();
  const late = listen(server.port);
  expect(new Set(await Promise.all(ends))).toEqual(new Set([3012]));
  await stream.ended();
  expect((await late.closed()).code).not.toBe(1000);
  await stopping;
  // What waited for anybody would wait for all of the grace time.
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  // 41 of them in 410 ms.
  expect(Math.max(...closedMs) - Math.min(...closedMs)).toBeGreaterThan(200);
  await server.stop();
}, 60_000);

test("[LIVE-29] an idle server stops at once", async () => {
  const tookMs = await bestOf(2_000, async () => {
    const server = await openLiveServer();
    return msOf(() => server.stop());
  });
  expect(tookMs).toBeLessThan(2_000);
});
