// The thread in which documents live: takes orders in batches, in their order, and answers each batch at once.
import { parentPort } from "node:worker_threads";
import type { Answer, Order } from "./orders.ts";
import { createShelf } from "./shelf.ts";

const shelf = createShelf();

parentPort?.on("message", (orders: readonly Order[]) => {
  parentPort?.postMessage(orders.map(answer));
});

function answer({ id, does, given }: Order): Answer {
  try {
    // Made by the other side out of the very same table of functions.
    const run = shelf[does] as (...values: readonly unknown[]) => unknown;
    return { id, result: run(...given) };
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : String(error) };
  }
}
