import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScratchDir, type ScratchDir } from "../../server/testing/scratch-dir.ts";
import { Person, startServer, type TestServer } from "../testing/cli-world.ts";

interface SetupAnswer {
  readonly server: { readonly url: string; readonly started: boolean; readonly pid?: number };
  readonly engineer: { readonly email: string };
  readonly apiKey?: string;
  readonly project: { readonly id: string; readonly slug: string };
  readonly projectCreated: boolean;
  readonly linkedIn: string;
}

let scratch: ScratchDir;
let server: TestServer;

beforeAll(async () => {
  scratch = await createScratchDir();
  server = await startServer(scratch.path);
});

afterAll(async () => {
  await server?.stop();
  await scratch?.remove();
});

/** A repository of that person's, which git knows them in. */
function repositoryOf(person: Person, name: string): string {
  const repository = join(person.folder, name);
  execFileSync("git", ["init", "-q", repository], { env: { ...process.env, HOME: person.folder } });
  for (const [key, value] of [
    ["user.email", `${name}@example.com`],
    ["user.name", "Ana Gonzalez"],
  ] as const) {
    execFileSync("git", ["-C", repository, "config", key, value]);
  }
  return repository;
}

async function unusedPort(): Promise<number> {
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(0, "127.0.0.1", resolve));
  const { port } = socket.address() as AddressInfo;
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

test("without a server it starts one, which goes on; and once all is right nothing changes", async () => {
  const ana = new Person(scratch.path, "ana", `http://127.0.0.1:${await unusedPort()}`);
  const repository = repositoryOf(ana, "Web Shop");
  const dataDir = join(ana.folder, "data");
  mkdirSync(dataDir);
  chmodSync(dataDir, 0o711);
  const setup = ["setup", "--email", "ana@example.com", "--name", "Ana", "--data-dir", dataDir];

  const first = await ana.json<SetupAnswer>(setup, { cwd: repository });
  const pid = first.server.pid ?? 0;
  try {
    const files = [join(ana.folder, "config", "nexus", "config.json"), join(repository, ".nexus.json")];
    const before = files.map((file) => [readFileSync(file, "utf8"), statSync(file).mtimeMs]);
    const second = await ana.json<SetupAnswer>(["setup"], { cwd: repository });
    const told = await ana.run(["setup"], { cwd: repository });

    expect(first).toMatchObject({
      server: { url: ana.serverUrl, started: true },
      engineer: { email: "ana@example.com" },
      apiKey: expect.stringMatching(/^nxs_/),
      project: { slug: "web-shop" },
      projectCreated: true,
      linkedIn: files[1],
    });
    expect(second).toMatchObject({ server: { started: false }, projectCreated: false, linkedIn: "" });
    expect(second.apiKey).toBeUndefined();
    expect(files.map((file) => [readFileSync(file, "utf8"), statSync(file).mtimeMs])).toEqual(before);
    expect(told).toEqual({
      exitCode: 0,
      stdout: `server   ${ana.serverUrl} answers\nyou      are logged in as Ana <ana@example.com>\nproject  web-shop is linked\nnext: nexus feature create --title <title> --touch <path>\n`,
      stderr: "",
    });
    expect((await ana.run(["feature", "list"], { cwd: repository })).exitCode).toBe(0);
  } finally {
    process.kill(pid, "SIGTERM");
  }
  await expect.poll(() => isRunning(pid)).toBe(false);
});

test("with a server it registers with what git knows, and takes a project that is there", async () => {
  const ben = new Person(scratch.path, "ben", server.url);
  const repository = repositoryOf(ben, "ben");
  const { project } = await ben
    .json(["login", "--register", "--email", "ben@example.com", "--name", "Ben"])
    .then(() => ben.json<{ project: { id: string } }>(["project", "create", "shop"]));

  const answer = await ben.json<SetupAnswer>(["setup", "--project", "shop"], { cwd: repository });
  await ben.run(["logout"]);
  const taken = await ben.run(["setup", "--email", "ben@example.com"], { cwd: repository });
  const other = await ben.json<SetupAnswer>(["setup", "--email", "b2@example.com"], { cwd: repository }).catch(String);

  expect(answer).toMatchObject({ project: { id: project.id, slug: "shop" }, projectCreated: false });
  expect(taken).toMatchObject({ exitCode: 5, stdout: "" });
  expect(taken.stderr).toContain("next: nexus setup --token -");
  // Somebody who is no member of the linked project is told whom to ask, and gets no project of the same name.
  expect(other).toContain("nexus project add-member");
});

test("a key from stdin is kept; one that is no good any more is replaced", async () => {
  const cem = new Person(scratch.path, "cem", server.url);
  const repository = repositoryOf(cem, "cem");
  const first = await cem.json<SetupAnswer>(["setup"], { cwd: repository });
  const config = join(cem.folder, "config", "nexus", "config.json");
  writeFileSync(config, JSON.stringify({ server: server.url, keys: { [server.url]: "nxs_gone" } }));

  const replaced = await cem.run(["setup", "--token", "-", "--json"], { cwd: repository, input: first.apiKey ?? "" });

  expect(replaced.exitCode).toBe(0);
  expect(JSON.parse(readFileSync(config, "utf8")).keys[server.url]).toBe(first.apiKey);
  expect(first.engineer.email).toBe("cem@example.com");
});

test("what it would have to guess it asks for, and a server that is not to be started is exit 4", async () => {
  const dora = new Person(scratch.path, "dora", server.url);
  const nowhere = `http://127.0.0.1:${await unusedPort()}`;

  const nameless = await dora.run(["setup"]);
  const away = await dora.run(["setup", "--server", nowhere, "--no-start"]);

  expect(nameless).toMatchObject({ exitCode: 2, stdout: "" });
  expect(nameless.stderr).toContain("--email is needed");
  expect(away).toMatchObject({ exitCode: 4, stdout: "" });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
