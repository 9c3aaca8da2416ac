import { expect, test } from "bun:test";
import { hash } from "@node-rs/argon2";
import { createPasswordHasher } from "./password-hash.ts";

const hasher = createPasswordHasher({ concurrency: 1, maxWaiting: 100 });

test("[ACC-10] a hash is argon2id at the cost promised, with a salt of its own", async () => {
  const [one, two] = await Promise.all([hasher.hash("quiet marble"), hasher.hash("quiet marble")]);
  expect(one).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  expect(one).not.toBe(two);
  expect(await hasher.verify(one, "quiet marble")).toEqual({ isRight: true, isOutdated: false });
  expect(await hasher.verify(one, "quiet marblE")).toEqual({ isRight: false, isOutdated: false });
});

test("[ACC-10] a hash of another cost is right and outdated", async () => {
  const old = await hash("quiet marble", { memoryCost: 4_096, timeCost: 1, parallelism: 1 });
  expect(await hasher.verify(old, "quiet marble")).toEqual({ isRight: true, isOutdated: true });
  expect(await hasher.verify(old, "loud marble")).toEqual({ isRight: false, isOutdated: false });
});

test("[ACC-13] without a stored hash every password is wrong", async () => {
  expect(await hasher.verify(undefined, "")).toEqual({ isRight: false, isOutdated: false });
});

test("[ACC-11] so many run, so many wait, the rest is refused, and places are given back", async () => {
  const busy = createPasswordHasher({ concurrency: 2, maxWaiting: 3 });
  const flood = () => Promise.allSettled(Array.from({ length: 10 }, () => busy.verify(undefined, "x")));
  for (const settled of [await flood(), await flood()]) {
    const refused = settled.filter((each) => each.status === "rejected");
    expect(settled.length - refused.length).toBe(5);
    for (const each of refused) {
      expect(each.reason).toMatchObject({ code: "SIGN_IN_BUSY", status: 503, retryAfterSeconds: 2 });
    }
  }
});
