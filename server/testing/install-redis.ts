import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";

const POLICY = "/usr/sbin/policy-rc.d";
const PACKAGE = "redis-server";
const HOW_TO = `install it (Debian, Ubuntu: sudo apt-get install ${PACKAGE}; macOS: brew install redis) or set REDIS_URL`;

/**
 * Installs Redis from the system's packages, where this process is root on a system with apt-get and
 * NEXUS_TEST_NO_INSTALL is not set. The service that comes with the package is neither started now nor at boot.
 *
 * @throws Error with the command to run, where it may not or can't install
 */
export async function installRedis(): Promise<void> {
  const missing = "the tests need Redis 7 or later, or Valkey, and found neither";
  if (process.env["NEXUS_TEST_NO_INSTALL"] || process.getuid?.() !== 0 || !succeeds("apt-get", "--version")) {
    throw new Error(`${missing}; ${HOW_TO}`);
  }
  process.stderr.write(`${missing}: installing ${PACKAGE} with apt-get (NEXUS_TEST_NO_INSTALL=1 prevents this)\n`);
  const hadPolicy = existsSync(POLICY);
  const wasInstalled = succeeds("dpkg", "-s", PACKAGE);
  try {
    if (!hadPolicy) {
      // What Debian's packages ask before they start a service; 101 forbids it.
      writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    }
    aptGet("update");
    aptGet("install", "-y", "--no-install-recommends", PACKAGE);
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? `\n${String(cause.stderr).trim()}` : "";
    throw new Error(`${missing}, and installing ${PACKAGE} failed; ${HOW_TO}${said}`, { cause });
  } finally {
    if (!hadPolicy) {
      rmSync(POLICY, { force: true });
    }
  }
  if (!wasInstalled) {
    // A policy of somebody else's may have let the service start, and systemd would start it at boot.
    succeeds("service", PACKAGE, "stop");
    succeeds("systemctl", "disable", PACKAGE);
  }
}

function aptGet(...args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  execFileSync("apt-get", ["-q", ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
}

function succeeds(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}
