import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../testing/cli-world.ts";

const HERE = dirname(fileURLToPath(import.meta.url));

let repository = "";
let launcher = "";

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), "nexus-launcher-"));
  const bin = join(repository, "cli", "bin");
  mkdirSync(bin, { recursive: true });
  for (const name of ["nexus", "nexus.cjs"]) copyFileSync(join(HERE, name), join(bin, name));
  launcher = join(bin, "nexus");
});

afterEach(() => rmSync(repository, { recursive: true }));

function launch(program: string, args: readonly string[] = [], path = process.env["PATH"] ?? "") {
  const env = { PATH: path, HOME: repository, XDG_CACHE_HOME: join(repository, "cache") };
  return runCommand(program, args, { env, cwd: repository });
}

function bundle(source: string) {
  mkdirSync(join(repository, "cli", "dist"));
  writeFileSync(join(repository, "cli", "dist", "nexus.cjs"), source);
}

test("without a bundle it says what to run", async () => {
  const { exitCode, stdout, stderr } = await launch(launcher);

  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain("make build");
});

test("through links, absolute and relative, it finds its bundle and passes everything on", async () => {
  bundle("console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 6;");
  const folder = join(repository, "node_modules", ".bin");
  mkdirSync(folder, { recursive: true });
  symlinkSync("../../cli/bin/nexus", join(folder, "nexus"));
  symlinkSync(join(folder, "nexus"), join(repository, "second"));

  const answer = await launch(join(repository, "second"), ["pick", "a b", "", "--x=*"]);

  expect(answer).toEqual({ exitCode: 6, stdout: '["pick","a b","","--x=*"]\n', stderr: "" });
});

test("the Node beside the repository goes before the system's", async () => {
  bundle("");
  const node = join(repository, "node_modules", ".bin", "node");
  mkdirSync(dirname(node), { recursive: true });
  writeFileSync(node, "#!/bin/sh\necho beside\n");
  chmodSync(node, 0o755);

  expect((await launch(launcher)).stdout).toBe("beside\n");
});

test("where HOME names no folder, nothing is left behind in the current one", async () => {
  bundle("");
  const before = readdirSync(repository);

  for (const home of ["", "relative"]) {
    const env = { PATH: process.env["PATH"] ?? "", HOME: home };
    const answer = await runCommand(launcher, [], { env, cwd: repository });
    expect(answer).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  }

  expect(readdirSync(repository)).toEqual(before);
});

test("what a command has compiled is kept, for the bundle that it was compiled from", async () => {
  const compiled = join(repository, "cache", "nexus", "compile");
  bundle('console.log("one")');
  expect((await launch(launcher, ["--version"])).stdout).toBe("one\n");
  expect(existsSync(compiled)).toBe(false);
  await launch(launcher, ["status"]);
  const [first = ""] = readdirSync(compiled);
  expect(statSync(join(compiled, first)).mode & 0o777).toBe(0o600);
  expect(readdirSync(compiled)).toEqual([first]);

  // As long as the other one, and as old for all that a package manager says.
  const path = join(repository, "cli", "dist", "nexus.cjs");
  const { mtime } = statSync(path);
  writeFileSync(path, 'console.log("two")');
  utimesSync(path, mtime, mtime);
  expect((await launch(launcher, ["status"])).stdout).toBe("two\n");

  const damaged = readdirSync(compiled).find((name) => name !== first) ?? "";
  writeFileSync(join(compiled, damaged), "no cache");
  expect(await launch(launcher, ["status"])).toEqual({ exitCode: 0, stdout: "two\n", stderr: "" });
  rmSync(join(repository, "cache"), { recursive: true });
  writeFileSync(join(repository, "cache"), "no folder");
  expect(await launch(launcher, ["status"])).toEqual({ exitCode: 0, stdout: "two\n", stderr: "" });
});

test("without any Node it says what is missing", async () => {
  const tools = join(repository, "tools");
  mkdirSync(tools);
  symlinkSync("/bin/sh", join(tools, "sh"));

  const { exitCode, stderr } = await launch(launcher, [], [tools].join(delimiter));

  expect(exitCode).toBe(1);
  expect(stderr).toContain("Node.js 22.3 or newer is needed");
});
