// The thread that reads pages and feeds: a hostile one keeps it busy until it is ended, and nobody else.
import { parentPort } from "node:worker_threads";
import { readFeed } from "./feed.ts";
import { readHtml } from "./html.ts";

export interface ThreadOrder {
  readonly kind: "html" | "feed";
  readonly text: string;
}

export type ThreadAnswer = { readonly paragraphs: readonly string[] } | { readonly problem: string };

parentPort?.on("message", ({ kind, text }: ThreadOrder) => {
  try {
    const paragraphs = kind === "html" ? readHtml(text) : readFeed(text);
    parentPort?.postMessage({ paragraphs } satisfies ThreadAnswer);
  } catch (error) {
    parentPort?.postMessage({ problem: String(error).slice(0, 500) } satisfies ThreadAnswer);
  }
});
