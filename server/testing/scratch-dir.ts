import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for everything that a test run writes, and the promise that nothing of it is left. */
export interface ScratchDir {
  readonly path: string;
  /** Ends what still runs in the folder and removes it. */
  remove(): Promise<void>;
}

/**
 * Reads until its standard input ends, which happens however this process ends, SIGKILL included. Then it ends every
 * PostgreSQL and Redis whose pid file lies in the folder, and removes the folder.
 */
const GUARDIAN = `
read -r _
find "$1" -name postmaster.pid -exec head -n 1 {} ';' | while read -r pid; do kill -QUIT "$pid"; done
find "$1" -name redis.pid -exec cat {} ';' | while read -r pid; do kill -KILL "$pid"; done
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$1" && exit 0
  sleep 0.2
done
`;

/**
 * Makes a scratch folder with a guardian process that clears it away when this process is gone, whether it returned,
 * crashed, or was killed. Folders in it can be entered by the account that runs PostgreSQL for root.
 */
export async function createScratchDir(): Promise<ScratchDir> {
  const path = await mkdtemp(join(tmpdir(), "nexus-test-"));
  await chmod(path, 0o711);
  // A process group of its own: Ctrl-C reaches the tests, not the guardian that clears up after them.
  const guardian = spawn("/bin/sh", ["-c", GUARDIAN, "sh", path], {
    detached: true,
    cwd: "/",
    stdio: ["pipe", "ignore", "ignore"],
  });
  const gone = once(guardian, "exit");
  guardian.unref();
  return {
    path,
    async remove() {
      guardian.ref();
      guardian.stdin.end();
      await gone;
    },
  };
}
