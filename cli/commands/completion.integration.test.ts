import { mkdirSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createScratchDir, type ScratchDir } from "../../server/testing/scratch-dir.ts";
import { completeWords } from "../completion/complete-words.ts";
import { NEXUS, Person, runCommand, startServer, type TestServer } from "../testing/cli-world.ts";

// Clipanion's ES modules import a directory, which Node refuses; its CommonJS build is the one that works.
vi.mock("clipanion", async () => (await import("node:module")).createRequire(import.meta.url)("clipanion"));

let scratch: ScratchDir;
let server: TestServer;
let ana: Person;

beforeAll(async () => {
  scratch = await createScratchDir();
  server = await startServer(scratch.path);
  ana = new Person(scratch.path, "ana", server.url);
  await ana.json(["login", "--register", "--email", "a@example.com", "--name", "Ana"]);
  await ana.json(["project", "create", "shop"]);
  await ana.json(["project", "use", "shop"]);
  for (const slug of ["login", "logout"]) await ana.json(["feature", "create", "--slug", slug]);
  await ana.json(["feature", "edit", "login", "--title", "Login"]);
  await ana.json(["feature", "ready", "login"]);
});

afterAll(async () => {
  await server?.stop();
  await scratch?.remove();
});

/** In this process, where two dozen questions take no time. */
async function complete(words: readonly string[], env: Record<string, string> = {}): Promise<readonly string[]> {
  return completeWords(words, {
    stdin: Readable.from([]),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: { ...ana.env, NEXUS_URL: server.url, ...env },
    colorDepth: 1,
    cwd: ana.folder,
    platform: process.platform,
    programFolder: ana.folder,
    onInterrupt: () => () => {},
    now: () => new Date(),
  });
}

test.each([
  [["fea"], ["feature"]],
  [["feature", "p"], ["pick"]],
  [["pi"], ["pick"]],
  [
    ["session", ""],
    ["close", "heartbeat", "list", "open", "show"],
  ],
  [
    ["feature", "list", "--lane", "n"],
    ["next", "now"],
  ],
  [["feature", "list", "--la"], ["--lane"]],
  [
    ["feature", "show", "lo"],
    ["login", "logout"],
  ],
  [["pick", ""], ["login"]],
  [["feature", "ready", ""], ["logout"]],
  [["learn", "text", "--feature", "logi"], ["login"]],
  [["project", "use", ""], ["shop"]],
  [["feature", "list", "--project", "s"], ["shop"]],
  [["feature", "create", "--title", ""], []],
  [["nonsense", ""], []],
] as const)("%j may become %j", async (words, expected) => {
  expect(await complete(words)).toEqual(expected);
});

test("without a server, or where it says nothing, there are no names, and no complaint", async () => {
  const silent = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address() as { port: number };

  expect(await complete(["pick", ""], { NEXUS_URL: `http://127.0.0.1:${address.port}` })).toEqual([]);
  silent.close();
  expect(await complete(["pick", ""], { NEXUS_URL: `http://127.0.0.1:${address.port}` })).toEqual([]);
});

test("bash completes with the script that is printed", async () => {
  const bin = join(ana.folder, "bin");
  mkdirSync(bin);
  symlinkSync(NEXUS, join(bin, "nexus"));
  const script = `eval "$(nexus completion bash)"
COMP_WORDS=(nexus feature show log) COMP_CWORD=3
_nexus && printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...ana.env, NEXUS_URL: server.url, PATH: `${bin}:${ana.env["PATH"]}` };

  const completed = await runCommand("bash", ["-c", script], { env, cwd: ana.folder });

  expect(completed).toEqual({ exitCode: 0, stdout: "login\nlogout\n", stderr: "" });
});

test("another shell is refused with those that there are", async () => {
  const refused = await ana.run(["completion", "tcsh"]);

  expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
  expect(refused.stderr).toContain("bash, zsh, fish");
});
