import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScratchDir, type ScratchDir } from "../../server/testing/scratch-dir.ts";
import { NEXUS, Person, startServer, type TestServer } from "../testing/cli-world.ts";

let scratch: ScratchDir;
let server: TestServer;
let ana: Person;

beforeAll(async () => {
  scratch = await createScratchDir();
  server = await startServer(scratch.path);
  ana = new Person(scratch.path, "ana", server.url);
  await ana.json(["login", "--register", "--email", "a@example.com", "--name", "Ana"]);
  await ana.json(["project", "create", "shop"]);
});

afterAll(async () => {
  await server?.stop();
  await scratch?.remove();
});

/** A running `nexus watch`; what it prints, line by line. */
function startWatch(...args: string[]) {
  const env = { ...ana.env, NEXUS_URL: server.url, NEXUS_PROJECT: "shop" };
  const child: ChildProcess = spawn(NEXUS, ["watch", ...args], { env, cwd: ana.folder, stdio: "pipe" });
  const lines: string[] = [];
  const errors: string[] = [];
  if (child.stdout === null || child.stderr === null) throw new Error("a child without pipes");
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  createInterface(child.stderr).on("line", (line) => errors.push(line));
  return {
    lines,
    errors,
    count: (wanted: number) => expect.poll(() => lines.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(wanted),
    async interrupt() {
      const ended = once(child, "close");
      child.kill("SIGINT");
      const [code] = (await ended) as [number | null];
      return code;
    },
  };
}

function inShop(...args: string[]) {
  return ana.json([...args, "--project", "shop"]);
}

test("what happens is printed as one JSON object a line, over a restart of the server, until Ctrl-C", async () => {
  const watch = startWatch("--json", "--after", "0");
  await watch.count(1);
  await inShop("feature", "create", "--slug", "login", "--title", "Login");
  await watch.count(2);
  const port = Number(new URL(server.url).port);
  await server.stop("SIGKILL");
  server = await startServer(scratch.path, port);
  await inShop("feature", "ready", "login");
  await watch.count(3);

  expect(await watch.interrupt()).toBe(130);
  expect(watch.lines.map((line) => JSON.parse(line))).toMatchObject([
    { sequence: "1", actor: "Ana", member: { change: "CHANGE_ADDED", role: "ROLE_OWNER" } },
    { sequence: "2", featureSlug: "login", feature: { change: "CHANGE_CREATED", title: "Login" } },
    { sequence: "3", feature: { from: "FEATURE_STATUS_DRAFT", to: "FEATURE_STATUS_READY" } },
  ]);
  expect(watch.errors).toEqual([]);
});

test("for people an event is a sentence; only those that are asked for are printed", async () => {
  await inShop("feature", "create", "--slug", "search", "--title", "Search");
  const watch = startWatch("--since", "10m", "--kind", "feature", "--feature", "search");
  await watch.count(1);
  await inShop("feature", "ready", "login");
  await inShop("feature", "ready", "search");
  await watch.count(2);

  expect(await watch.interrupt()).toBe(130);
  const sentences = watch.lines.map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, ""));
  expect(sentences).toEqual(["Ana: created search: Search", "Ana: search is ready"]);
});

test.each([
  [["--kind", "nonsense"], 2, "--kind is one of feature, claim"],
  [["--since", "tomorrow"], 2, "--since is a span"],
  [["--after", "-1"], 2, "--after"],
  [["--after", "999999"], 1, "the last event of the project is"],
])("watch %j is refused with exit code %i", async (args, exitCode, message) => {
  const refused = await ana.run(["watch", ...args, "--project", "shop"]);

  expect(refused).toMatchObject({ exitCode, stdout: "" });
  expect(refused.stderr).toContain(message);
});
