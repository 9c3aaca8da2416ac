// Cores: the web process on one, the load on the other, where the machine has taskset and more than one core.
import { availableParallelism } from "node:os";

export const WEB_CORE = 0;
export const LOAD_CORE = 1;

export function canPin(): boolean {
  return availableParallelism() > 1 && Bun.which("taskset") !== null;
}

/** The command, bound to a core where that can be done. */
export function onCore(core: number, command: readonly string[]): string[] {
  return canPin() ? ["taskset", "-c", String(core), ...command] : [...command];
}

/** Binds a running process with all its threads; what it has started keeps its freedom. */
export function pin(pid: number, core: number): void {
  if (canPin()) Bun.spawnSync(["taskset", "-a", "-c", "-p", String(core), String(pid)]);
}

/** Gives a process all cores again. */
export function unpin(pid: number): void {
  if (canPin()) Bun.spawnSync(["taskset", "-a", "-c", "-p", `0-${availableParallelism() - 1}`, String(pid)]);
}

/** This same program runs the other parts of the bench. */
export function bun(...rest: string[]): string[] {
  return [process.execPath, "--no-env-file", ...rest];
}
