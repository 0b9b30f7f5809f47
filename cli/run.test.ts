import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { COMMANDS } from "./command-table.ts";
import { configPath, readConfig, writeConfig } from "./config/config-file.ts";
import { run } from "./run.ts";

// Clipanion's ES modules import a directory, which Node refuses; its CommonJS build is the one that works.
vi.mock("clipanion", async () => (await import("node:module")).createRequire(import.meta.url)("clipanion"));

let folder = "";

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "nexus-run-")));
});

afterAll(() => rmSync(folder, { recursive: true }));

async function nexus(args: readonly string[], env: Record<string, string> = {}, cwd = folder, input = "") {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const exitCode = await run(args, {
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    env: { HOME: folder, ...env },
    colorDepth: 1,
    cwd,
    platform: process.platform,
    programFolder: folder,
    onInterrupt: () => () => {},
    now: () => new Date("2026-11-22T12:00:00Z"),
  });
  stdout.end();
  stderr.end();
  return { exitCode, stdout: await text(stdout), stderr: await text(stderr) };
}

test.each(COMMANDS.map((entry) => [entry.words.join(" "), entry] as const))(
  "%s is the command that its class says, with an example",
  async (words, { load, summary, alias }) => {
    const command = await load();
    const help = await nexus([...words.split(" "), "--help"]);

    const paths = [words, ...(alias === undefined ? [] : [alias])];
    expect(command.paths?.map((path) => path.join(" "))).toEqual(paths);
    expect(command.usage?.description).toBe(summary);
    expect(help).toMatchObject({ exitCode: 0, stderr: "" });
    expect(help.stdout).toContain(`nexus ${words}`);
    expect(help.stdout).toContain("--json");
    expect(help.stdout).toContain("\nexamples\n");
    expect(tooWide(help.stdout)).toEqual([]);
  },
);

/** Lines that a usual terminal breaks. */
function tooWide(text: string): string[] {
  return text.split("\n").filter((line) => line.length > 80);
}

test("a command's help is what was built of it, so that the command need not be loaded", async () => {
  const built = {
    usage: "nexus feature pick",
    aliases: [],
    description: "as built",
    details: "",
    options: [],
    examples: [],
  };
  writeFileSync(join(folder, "help.json"), JSON.stringify({ "feature pick": built }));

  const help = await nexus(["pick", "--help"]);
  const other = await nexus(["feature", "list", "--help"]);
  rmSync(join(folder, "help.json"));

  expect(help.stdout).toContain("As built.");
  expect(other.stdout).toContain("nexus feature list");
});

test.each(["learn", "save", "decision"])("what %s read from stdin is kept when it is refused", async (verb) => {
  const env = { XDG_STATE_HOME: join(folder, `state-${verb}`) };

  const refused = await nexus([verb, "-"], env, folder, "much was learnt\n");
  const typed = await nexus([verb, "little"], env);

  const [, path = ""] = new RegExp(`\nwhat you wrote is kept: nexus ${verb} - < (.+)\n$`).exec(refused.stderr) ?? [];
  expect(readFileSync(path, "utf8")).toBe("much was learnt\n");
  expect(typed.stderr).not.toContain("is kept");
});

test("what comes next names the session that was named, for programs as well", async () => {
  const session = "00000000-0000-4000-8000-000000000000";
  const env = { NEXUS_PROJECT: session, NEXUS_API_KEY: "key", NEXUS_KEEPER: "off" };

  const { stderr } = await nexus(["done", "--session", session, "--json"], env);

  expect(JSON.parse(stderr).error.message).toContain(`; run: nexus feature pick --session ${session} <feature>`);
});

test("help works at each level and goes to stdout", async () => {
  const overview = await nexus([]);

  expect(overview).toMatchObject({ exitCode: 0, stderr: "" });
  expect(overview.stdout).toContain("feature pick");
  expect(tooWide(overview.stdout)).toEqual([]);
  expect((await nexus(["--help"])).stdout).toBe(overview.stdout);
  expect((await nexus(["feature", "--help"])).stdout).toContain("feature create");
  expect((await nexus(["feature", "--help"])).stdout).not.toContain("session open");
  expect((await nexus(["help", "feature", "pick"])).stdout).toBe((await nexus(["pick", "-h"])).stdout);
});

test.each([
  [["feture", "pick", "x"], "nexus feature pick"],
  [["feature", "pik", "x"], "nexus feature pick"],
  [["pikc"], "nexus pick"],
  [["session", "list-all-of-them"], "nexus --help"],
])("the unknown command %j exits 2 and names what may be meant", async (args, next) => {
  const answer = await nexus(args);

  expect(answer).toMatchObject({ exitCode: 2, stdout: "" });
  expect(answer.stderr).toContain("there is no command");
  expect(answer.stderr).toContain(`next: ${next}\n`);
});

test("an option that there is not exits 2 and names the one that may be meant", async () => {
  const answer = await nexus(["feature", "list", "--lnae", "now"]);

  expect(answer).toMatchObject({ exitCode: 2, stdout: "" });
  expect(answer.stderr).toBe(
    "nexus: nexus feature list has no option --lnae; --lane may be meant\nnext: nexus feature list --help\n",
  );
});

test.each([
  [["feature"]],
  [["feature", "pick"]],
  [["feature", "list", "--lane", "soon"]],
  [["feature", "list", "--nope"]],
  [["feature", "edit", "login"]],
  [["login"]],
  [["login", "--token", "nxs_secret"]],
  [["session", "show", "--session", "../../etc/passwd"]],
  [["project", "delete", "shop"]],
])("%j can't be understood: exit 2, on stderr, with a next step", async (args) => {
  const answer = await nexus(args, { NEXUS_API_KEY: "nxs_key" });

  expect(answer).toMatchObject({ exitCode: 2, stdout: "" });
  expect(answer.stderr).not.toContain("undefined");
});

test("a failure is one JSON object on stderr with --json", async () => {
  const { stdout, stderr, exitCode } = await nexus(["feature", "list", "--lane", "soon", "--json"]);

  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  expect(JSON.parse(stderr)).toEqual({
    error: {
      code: "invalid_argument",
      reason: "USAGE_INVALID",
      message: '--lane is one of now, next, later, icebox, not "soon"',
      details: [],
    },
  });
});

test("with --quiet only names are printed, and failures all the same", async () => {
  const out = await nexus(["logout", "--quiet"]);
  const refused = await nexus(["feature", "list", "-q"]);

  expect(out).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  expect(refused).toMatchObject({ exitCode: 5, stdout: "" });
  expect(refused.stderr).toContain("next: nexus login");
});

test("who is not logged in is told how: exit 5", async () => {
  const answer = await nexus(["feature", "list"]);

  expect(answer).toMatchObject({ exitCode: 5, stdout: "" });
  expect(answer.stderr).toContain("next: nexus login");
});

test("where no project is chosen, the command to choose one is named: exit 2", async () => {
  const answer = await nexus(["feature", "list"], { NEXUS_API_KEY: "nxs_key" });

  expect(answer).toMatchObject({ exitCode: 2, stdout: "" });
  expect(answer.stderr).toContain("next: nexus project use");
});

test("a server that is not there is exit 4, a sentence, and a next step", async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
  await new Promise((resolve) => closed.close(resolve));

  const answer = await nexus(["whoami"], { NEXUS_API_KEY: "nxs_key", NEXUS_URL: url });

  expect(answer).toMatchObject({ exitCode: 4, stdout: "" });
  expect(answer.stderr).toContain(`the server at ${url} can't be reached`);
  expect(answer.stderr).toContain("the address comes from NEXUS_URL\n");
  expect(answer.stderr).toContain("next: start one with 'nexus serve'");
});

test("a server that accepts and says nothing ends the command at its time limit: exit 4", async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;

  const env = { NEXUS_API_KEY: "nxs_key", NEXUS_URL: url, NEXUS_TIMEOUT_MS: "200" };
  const answer = await nexus(["whoami", "--json"], env);
  silent.close();

  expect(answer).toMatchObject({ exitCode: 4, stdout: "" });
  expect(JSON.parse(answer.stderr).error.reason).toBe("DEADLINE_EXCEEDED");
});

test("a link to a server that the user never logged in to gets no key: exit 5", async () => {
  const repository = join(folder, "foreign");
  mkdirSync(repository);
  const link = { server: "https://evil.example.net", project: "5f0c8a5e-0000-4000-8000-000000000000", slug: "shop" };
  writeFileSync(join(repository, ".nexus.json"), JSON.stringify(link));

  const answer = await nexus(["feature", "list"], { NEXUS_API_KEY: "nxs_key" }, repository);

  expect(answer).toMatchObject({ exitCode: 5, stdout: "" });
  expect(answer.stderr).toContain("nexus login --server https://evil.example.net");
});

test("a link that says something else is named, not guessed around", async () => {
  const repository = join(folder, "broken");
  mkdirSync(repository);
  writeFileSync(join(repository, ".nexus.json"), "{}");

  const answer = await nexus(["feature", "list"], { NEXUS_API_KEY: "nxs_key" }, repository);

  expect(answer.exitCode).toBe(1);
  expect(answer.stderr).toContain(join(repository, ".nexus.json"));
});

test("the configuration is readable by its user only", () => {
  const env = { XDG_CONFIG_HOME: join(folder, "config") };

  writeConfig(env, { server: "http://a", keys: { "http://a": "nxs_key" } });

  expect(statSync(configPath(env)).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "config", "nexus")).mode & 0o777).toBe(0o700);
  expect(readConfig(env)).toEqual({ server: "http://a", keys: { "http://a": "nxs_key" } });
});

test.each(["soon", "0", "-1", "0x10", "2147483648", "1e9"])("NEXUS_TIMEOUT_MS=%s is no time: exit 2", async (given) => {
  const answer = await nexus(["whoami"], { NEXUS_API_KEY: "nxs_key", NEXUS_TIMEOUT_MS: given });

  expect(answer).toMatchObject({ exitCode: 2, stdout: "" });
  expect(answer.stderr).toContain("NEXUS_TIMEOUT_MS");
});

test("a folder that was removed meanwhile is said, and what needs none goes on", async () => {
  const gone = join(folder, "gone");

  const answer = await nexus(["whoami", "--json"], {}, gone);

  expect(answer).toMatchObject({ exitCode: 1, stdout: "" });
  expect(JSON.parse(answer.stderr).error).toMatchObject({ reason: "FILE_UNUSABLE" });
  expect((await nexus(["version"], {}, gone)).exitCode).toBe(0);
});

test("a HOME that is no absolute path never puts keys into the current folder", () => {
  for (const home of ["", "relative"]) {
    expect(configPath({ HOME: home })).toBe(join(userInfo().homedir, ".config", "nexus", "config.json"));
  }
});
