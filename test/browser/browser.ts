// The browser of these tests: Debian's Chromium, driven by playwright-core; scripts/setup-browser.sh knows where it is.
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const SETUP = join(import.meta.dir, "../../scripts/setup-browser.sh");

export async function openBrowser(): Promise<Browser> {
  const { exitCode, stdout, stderr } = Bun.spawnSync([SETUP, "--check"]);
  if (exitCode !== 0) throw new Error(stderr.toString().trim());
  return chromium.launch({
    executablePath: stdout.toString().trim(),
    headless: true,
    // Chromium refuses its sandbox to root.
    chromiumSandbox: process.getuid?.() !== 0,
    // The /dev/shm of a container is too small for it.
    args: ["--disable-dev-shm-usage"],
  });
}

/** Serves an empty page that runs a program of ours, from an origin of its own. */
export async function servePage(
  program: string,
): Promise<{ readonly origin: string; stop(): Promise<void> }> {
  const built = await Bun.build({ entrypoints: [program], target: "browser", format: "iife" });
  const script = (await built.outputs[0]?.text()) ?? "";
  const html = '<!doctype html><meta charset="utf-8"><title>Test</title><script src="/page.js"></script>';
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) =>
      new URL(request.url).pathname === "/page.js"
        ? new Response(script, { headers: { "Content-Type": "text/javascript" } })
        : new Response(html, { headers: { "Content-Type": "text/html" } }),
  });
  return { origin: server.url.origin, stop: () => server.stop(true) };
}
