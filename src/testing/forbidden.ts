// A root that may less than root: in a user namespace of its own, where further ones are forbidden. Linux, as root only.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

export interface ForbiddenOptions {
  /** Besides: may not become another user. */
  readonly keepsId?: boolean;
  /** Runs as this id, not as root. */
  readonly userId?: number;
}

/** Ids 0 to 65535 are themselves there, so that paths and owners are as outside. */
const SAME_IDS = "0 0 65536\n";

export const canForbid =
  process.platform === "linux" && process.getuid?.() === 0 && Bun.which("unshare") !== null;

/** Starts a program where no user namespace can be made. */
export function spawnForbidden(command: readonly string[], options: ForbiddenOptions = {}): ChildProcess {
  const { keepsId = false, userId = 0 } = options;
  const become = (id: number) => `setpriv --reuid=${id} --regid=${id} --clear-groups`;
  const bounds = keepsId ? "setpriv --bounding-set=-setuid,-setgid,-setpcap" : become(userId);
  const inside = `echo 0 > /proc/sys/user/max_user_namespaces; exec ${bounds} "$@"`;
  // Waits until its ids are mapped, which only we outside may do.
  const script = `read -r _; exec ${become(0)} sh -c '${inside}' sh "$@"`;
  const child = spawn("unshare", ["--user", "sh", "-c", script, "sh", ...command], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  mapIds(child, Date.now() + 5_000);
  return child;
}

/** The namespace is there a moment after the process. */
function mapIds(child: ChildProcess, deadlineMs: number): void {
  try {
    writeFileSync(`/proc/${child.pid}/uid_map`, SAME_IDS);
    writeFileSync(`/proc/${child.pid}/gid_map`, SAME_IDS);
    child.stdin?.end("go\n");
  } catch (error) {
    if (Date.now() > deadlineMs) throw error;
    setTimeout(mapIds, 5, child, deadlineMs);
  }
}
