// A file too large for its disk, in a process of its own where such a disk can be mounted; prints what came of it.
import { readdirSync } from "node:fs";
import { createByteStore } from "../index.ts";

const directory = process.argv[2] ?? "";
const store = createByteStore({ directory, reserveBytes: 0 });

async function* chunks(count: number) {
  for (let index = 0; index < count; index++) yield new Uint8Array(100_000);
}

const write = (count: number) =>
  store.write(chunks(count), { maxBytes: Number.MAX_SAFE_INTEGER, tooLarge: () => new Error("too large") });

const refused = await write(100).then(
  () => "stored",
  (error) => [error.code, error.status, error.cause?.code].join(" "),
);
const left = readdirSync(directory, { recursive: true }).join(" ");
// What it had written makes room again.
const { size } = await write(5);
console.log(JSON.stringify({ refused, left, size }));
