import { afterEach, expect, setSystemTime, test } from "bun:test";
import { createMetrics } from "../telemetry/index.ts";
import { createBreakers } from "./breakers.ts";
import { CircuitOpenError, OutboundError } from "./index.ts";

const START_MS = Date.UTC(2026, 10, 21);
afterEach(() => {
  setSystemTime();
});

/** The library reads the system's clock, so that is what is set. */
const at = (seconds: number) => setSystemTime(new Date(START_MS + seconds * 1000));
const good = async () => "good";
const bad = () => Promise.reject(new OutboundError("it answered with status 503"));

function circuit(name = "dictionary") {
  at(0);
  const breakers = createBreakers();
  const run = (call: () => Promise<unknown>) => breakers.run(name, call).catch((error: Error) => error.name);
  const state = () => breakers.states().find((each) => each.name === name);
  return { breakers, run, state };
}

test("[OUT-30] five failures in a row open it, and it is refused at once for a minute", async () => {
  const { run, state } = circuit();
  for (let n = 0; n < 4; n++) expect(await run(bad)).toBe("OutboundError");
  expect(await run(good)).toBe("good");
  for (let n = 0; n < 4; n++) await run(bad);
  expect(state()).toMatchObject({ state: "closed", failures: 4, retryAt: null });
  await run(bad);
  expect(state()).toMatchObject({ state: "open", failures: 5, retryAt: new Date(START_MS + 60_000) });
  let calls = 0;
  at(59);
  const refused = await run(async () => calls++);
  expect([refused, calls]).toEqual(["CircuitOpenError", 0]);
});

test("[OUT-30] whoever meets it open is told when to try", async () => {
  const { breakers, run } = circuit();
  for (let n = 0; n < 5; n++) await run(bad);
  at(20);
  const error = await breakers.run("dictionary", good).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(CircuitOpenError);
  expect(error.retryAfterSeconds).toBe(40);
});

test("[OUT-30] three successes in a row close it, one failure on the way opens it again", async () => {
  const { run, state } = circuit();
  for (let n = 0; n < 5; n++) await run(bad);
  at(60);
  expect(state()).toMatchObject({ state: "half_open", retryAt: null });
  expect(await run(good)).toBe("good");
  expect(await run(good)).toBe("good");
  expect(state()?.state).toBe("half_open");
  expect(await run(bad)).toBe("OutboundError");
  expect(state()).toMatchObject({ state: "open", retryAt: new Date(START_MS + 120_000) });
  at(119);
  expect(await run(good)).toBe("CircuitOpenError");
  at(120);
  expect(await run(bad)).toBe("OutboundError");
  at(180);
  for (let n = 0; n < 3; n++) expect(await run(good)).toBe("good");
  expect(state()).toMatchObject({ state: "closed", failures: 0 });
  for (let n = 0; n < 4; n++) await run(bad);
  expect(state()?.state).toBe("closed");
});

test("[OUT-30] half open, one call at a time is tried", async () => {
  const { run, state } = circuit();
  for (let n = 0; n < 5; n++) await run(bad);
  at(60);
  const gate = Promise.withResolvers<string>();
  const trial = run(() => gate.promise);
  expect(await run(good)).toBe("CircuitOpenError");
  expect(state()?.state).toBe("half_open");
  gate.resolve("slow");
  expect(await trial).toBe("slow");
  expect(await run(good)).toBe("good");
});

test("[OUT-31] errors that are not the other side's neither open nor close it", async () => {
  const { run, state } = circuit();
  const cancelled = () => Promise.reject(new DOMException("cancelled", "AbortError"));
  for (let n = 0; n < 9; n++) expect(await run(cancelled)).toBe("AbortError");
  expect(state()).toMatchObject({ state: "closed", failures: 0 });
  for (let n = 0; n < 5; n++) await run(bad);
  at(60);
  for (let n = 0; n < 3; n++) expect(await run(cancelled)).toBe("AbortError");
  expect(state()?.state).toBe("half_open");
});

test("[OUT-32] one project cannot open another's circuit, nor a name of ours", async () => {
  at(0);
  const breakers = createBreakers();
  const run = (projectId: string | null, call: () => Promise<unknown>) =>
    breakers.run("https://a.test", call, projectId).catch((error: Error) => error.name);
  for (let n = 0; n < 5; n++) await run("one", bad);
  expect([await run("one", good), await run("two", good), await run(null, good)]).toEqual([
    "CircuitOpenError",
    "good",
    "good",
  ]);
  expect(breakers.states().map(({ projectId, state }) => [projectId, state])).toEqual([
    ["one", "open"],
    ["two", "closed"],
    [null, "closed"],
  ]);
});

test("[OUT-32] so many are kept, and the closed ones go first", async () => {
  at(0);
  const breakers = createBreakers({ max: 3 });
  for (let n = 0; n < 5; n++) await breakers.run("broken", bad).catch(() => {});
  for (const name of ["a", "b", "c", "d"]) await breakers.run(name, good);
  expect(breakers.states().map(({ name }) => name)).toEqual(["broken", "c", "d"]);
});

test("[OUT-33] metrics show what is open by our names, and users' addresses as a number", async () => {
  at(0);
  const metrics = createMetrics();
  const breakers = createBreakers({ metrics });
  await breakers.run("dictionary", good);
  for (let n = 0; n < 5; n++) await breakers.run("text source", bad).catch(() => {});
  for (let n = 0; n < 5; n++) await breakers.run("https://private.test", bad, "project").catch(() => {});
  const text = await metrics.render();
  expect(text.split("\n").filter((line) => line.startsWith("stoa_outbound_circuits_open"))).toEqual([
    'stoa_outbound_circuits_open{dependency="dictionary"} 0',
    'stoa_outbound_circuits_open{dependency="text source"} 1',
    'stoa_outbound_circuits_open{dependency="user"} 1',
  ]);
  expect(text).not.toContain("private.test");
});
