import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createScratchDir } from "../server/testing/scratch-dir.ts";
import { runCommand } from "./testing/cli-world.ts";

const REPOSITORY = dirname(dirname(fileURLToPath(import.meta.url)));

/** The commands of a section of the README, a list for each of its blocks. */
function blocksOf(section: string): string[][] {
  const readme = readFileSync(join(REPOSITORY, "README.md"), "utf8");
  const text = readme.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? "";
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block.trim().split("\n"));
}

async function unusedPort(): Promise<number> {
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(0, "127.0.0.1", resolve));
  const { port } = socket.address() as AddressInfo;
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

test("the engineer's story of the README goes as it is printed, from a machine where nothing is", async () => {
  const scratch = await createScratchDir();
  onTestFinished(() => scratch.remove());
  const home = join(scratch.path, "home");
  mkdirSync(join(home, "your-repository", "src"), { recursive: true });
  chmodSync(home, 0o711);
  // Else setup makes it for its user alone, and root's database would lie, and stay, in /var/lib/nexus.
  mkdirSync(join(home, ".local"));
  execFileSync("git", ["init", "-q", join(home, "your-repository")], { env: { ...process.env, HOME: home } });
  const env = {
    PATH: `${join(REPOSITORY, "node_modules", ".bin")}:${process.env["PATH"]}`,
    HOME: home,
    // Not the usual port: somebody may be served there.
    NEXUS_URL: `http://127.0.0.1:${await unusedPort()}`,
  };

  /** Types a line where the lines before it have left the terminal. */
  const type = async (terminal: string, before: readonly string[], line: string) => {
    const moved = before.filter((earlier) => /^(cd|export) /.test(earlier));
    const script = [...moved, line].join("\n");
    const terminalEnv = { ...env, CLAUDE_CODE_SESSION_ID: terminal };
    const result = await runCommand("bash", ["-c", script], { env: terminalEnv, cwd: home });
    const pid = Number(/stop it with: kill (\d+)/.exec(result.stdout)?.[1]);
    if (pid > 0) onTestFinished(() => void process.kill(pid, "SIGTERM"));
    const expected = Number(/# exit (\d)/.exec(line)?.[1] ?? 0);
    expect({ line, ...result }).toMatchObject({ line, exitCode: expected });
    return result;
  };

  const [first = [], second = [], last = []] = blocksOf("Quick start: an engineer");
  for (const [at, line] of first.entries()) await type("first", first.slice(0, at), line);
  const told = [];
  for (const [at, line] of second.entries()) told.push(await type("second", second.slice(0, at), line));
  for (const line of last) await type("first", first, line);

  expect([first.length, second.length, last.length]).toEqual([8, 2, 1]);
  expect(told.at(-1)?.stderr).toMatch(
    /new-look is blocked[\s\S]*You \(claude\) works on login-form, since [\s\S]*src\/ui/,
  );
  const after = await type("second", second, "nexus pick new-look");
  expect(after.stdout).toContain("new-look");
});
