// Where the kernels of a test process keep files, such as the outbox of mails: made when used, gone with the process.
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function testDataDirectory(): string {
  return join(tmpdir(), `stoa-test-files-${process.pid}`);
}

export async function removeTestDataDirectory(): Promise<void> {
  await rm(testDataDirectory(), { recursive: true, force: true });
}
