// The thread that renders: a hostile text keeps it busy for a while, and nobody else.
import { parentPort } from "node:worker_threads";
import { createMarkdownRenderer } from "./markdown.ts";

const render = createMarkdownRenderer();
parentPort?.on("message", (markdown: string) => parentPort?.postMessage(render(markdown)));
