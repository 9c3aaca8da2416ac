// Loaded into the server's processes: garbage goes every few seconds, so that their memory is what they hold, whenever it is read.
const EVERY_MS = 5_000;

setInterval(() => Bun.gc(true), EVERY_MS).unref();
