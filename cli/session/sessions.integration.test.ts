import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createScratchDir, type ScratchDir } from "../../server/testing/scratch-dir.ts";
import { Person, startServer, type TestServer } from "../testing/cli-world.ts";

interface Shown {
  readonly session: {
    readonly id: string;
    readonly agent: string;
    readonly featureSlug: string;
    readonly worktree: string;
  };
  readonly foundBy: string;
}

let scratch: ScratchDir;
let server: TestServer;
let ana: Person;
let repository = "";
let worktree = "";
let runs = 0;
let slug = "";

beforeAll(async () => {
  scratch = await createScratchDir();
  server = await startServer(scratch.path);
  ana = new Person(scratch.path, "ana", server.url);
  repository = join(scratch.path, "repository");
  worktree = join(scratch.path, "worktree");
  const git = (cwd: string, ...args: string[]) =>
    execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@example.com", ...args], {
      cwd,
      env: { ...process.env, HOME: scratch.path },
    });
  git(scratch.path, "init", "-q", repository);
  git(repository, "commit", "-q", "--allow-empty", "-m", "first");
  git(repository, "worktree", "add", "-q", worktree);
  await ana.json(["login", "--register", "--email", "a@example.com", "--name", "Ana"]);
  await ana.json(["project", "create", "shop"]);
  await ana.json(["project", "use", "shop"], { cwd: repository });
});

beforeEach(async () => {
  slug = `work-${++runs}`;
  await ana.json(["feature", "create", "--slug", slug, "--touch", `src/${slug}.ts`, "--title", slug], {
    cwd: repository,
  });
  await ana.json(["feature", "ready", slug], { cwd: repository });
});

afterAll(async () => {
  await server?.stop();
  await scratch?.remove();
});

function agent(id: string, cwd = repository) {
  return { cwd, env: { CLAUDE_CODE_SESSION_ID: id, CLAUDECODE: "1" } };
}

test("an agent's session is opened when first needed, and found again by its own id", async () => {
  const before = await ana.json<Shown>(["session", "show"], agent("one"));
  expect(before).toEqual({ foundBy: "CLAUDE_CODE_SESSION_ID", clientSessionId: "claude:one", agent: "claude" });

  await ana.json(["pick", slug], agent("one"));

  const after = await ana.json<Shown>(["session", "show"], agent("one"));
  expect(after).toMatchObject({ foundBy: "CLAUDE_CODE_SESSION_ID", session: { agent: "claude", featureSlug: slug } });
  expect((await ana.run(["done"], agent("one"))).exitCode).toBe(0);
  expect(readdirSync(repository).filter((name) => name !== ".git")).toEqual([".nexus.json"]);
});

test("two agents in one checkout are two; one agent in two worktrees of a repository is one", async () => {
  await ana.json(["pick", slug], agent("two"));

  const refused = await ana.run(["pick", slug, "--json"], agent("three"));
  expect(refused.exitCode).toBe(3);
  expect(JSON.parse(refused.stderr).error.reason).toBe("FEATURE_ALREADY_HELD");
  const own = await ana.json<{ paths: { holder?: unknown }[] }>(["claim", "check", `src/${slug}.ts`], agent("two"));
  expect(own.paths[0]?.holder).toBeUndefined();

  expect((await ana.run(["done"], agent("three", worktree))).exitCode).toBe(1);
  expect((await ana.run(["done"], agent("two", worktree))).exitCode).toBe(0);
});

test("a second feature for a session that holds one is refused", async () => {
  const held = slug;
  await ana.json(["pick", held], agent("busy"));
  await ana.json(["feature", "create", "--slug", `${held}-more`, "--title", "More"], { cwd: repository });
  await ana.json(["feature", "ready", `${held}-more`], { cwd: repository });

  const refused = await ana.run(["pick", `${held}-more`], agent("busy"));

  expect(refused).toMatchObject({ exitCode: 3, stdout: "" });
  expect(refused.stderr).toContain(`next: nexus done ${held}`);
  const { session } = await ana.json<Shown>(["session", "show"], agent("busy"));
  const named = await ana.run(["pick", `${held}-more`, "--session", session.id], agent("other"));
  expect(named.stderr).toContain(`next: nexus done --session ${session.id} ${held}`);
  expect((await ana.run(["feature", "release"], agent("busy"))).exitCode).toBe(0);
});

test("a stale token changes nothing: exit 6", async () => {
  await ana.json(["pick", slug], agent("stale"));

  const refused = await ana.run(["done", "--fencing-token", "1", "--json"], agent("stale"));

  expect(refused).toMatchObject({ exitCode: 6, stdout: "" });
  expect(JSON.parse(refused.stderr).error).toMatchObject({
    code: "aborted",
    reason: "FENCING_TOKEN_STALE",
    details: [{ "@type": "nexus.v1.FencingTokenStale", featureSlug: slug }],
  });
  expect((await ana.run(["done"], agent("stale"))).exitCode).toBe(0);
});

test("a session that ended while it held something is told once: exit 6; then work goes on in a new one", async () => {
  await ana.json(["pick", slug], agent("ended"));
  const { session } = await ana.json<Shown>(["session", "show"], agent("ended"));
  await ana.json(["session", "close", "--session", session.id, "--crashed"], agent("killer"));

  const late = await ana.run(["done", "--json"], agent("ended"));

  expect(late).toMatchObject({ exitCode: 6, stdout: "" });
  expect(JSON.parse(late.stderr).error.reason).toBe("SESSION_EXPIRED");
  await ana.json(["pick", slug], agent("ended"));
  expect((await ana.json<Shown>(["session", "show"], agent("ended"))).session.id).not.toBe(session.id);
  expect((await ana.run(["done"], agent("ended"))).exitCode).toBe(0);
});

test("a session that ended while it held nothing is replaced without a word", async () => {
  await ana.json(["session", "heartbeat"], agent("idle"));
  const { session } = await ana.json<Shown>(["session", "show"], agent("idle"));
  await ana.json(["session", "close", "--session", session.id], agent("killer"));

  await ana.json(["pick", slug], agent("idle"));

  expect((await ana.json<Shown>(["session", "show"], agent("idle"))).session.id).not.toBe(session.id);
  expect((await ana.run(["session", "close"], agent("idle"))).exitCode).toBe(0);
});

test("a link for another server is named when its project is not found", async () => {
  const elsewhere = join(scratch.path, "elsewhere");
  mkdirSync(elsewhere);
  const link = { server: "http://127.0.0.1:1", project: "5f0c8a5e-0000-4000-8000-000000000000", slug: "shop" };
  writeFileSync(join(elsewhere, ".nexus.json"), JSON.stringify(link));

  const refused = await ana.run(["status"], { cwd: elsewhere });

  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(refused.stderr).toContain(`comes from ${join(elsewhere, ".nexus.json")}, which is for another server`);
});

test("a command typed again after its answer was lost is recognised", async () => {
  const { claim } = await ana.json<{ claim: { fencingToken: string } }>(["pick", slug], agent("again"));
  const done = ["done", slug, "--fencing-token", claim.fencingToken];

  const first = await ana.json(done, agent("again"));

  expect(await ana.json(done, agent("again"))).toEqual(first);
});

test("the server's data outlives it, and a lost key is replaced on its machine", async () => {
  const port = Number(new URL(server.url).port);
  expect(await server.stop("SIGINT")).toBe(0);
  expect((await ana.run(["status"], agent("late"))).exitCode).toBe(4);

  const env = { NEXUS_DATA_DIR: join(scratch.path, "data") };
  const unknown = await ana.run(["admin", "reset-key", "nobody@example.com", "--json"], { env });
  expect(unknown).toMatchObject({ exitCode: 1, stdout: "" });
  expect(JSON.parse(unknown.stderr).error.reason).toBe("SERVER_PROGRAM_FAILED");
  const { apiKey } = await ana.json<{ apiKey: string }>(["admin", "reset-key", "a@example.com"], { env });

  server = await startServer(scratch.path, port);
  const old = await ana.run(["feature", "show", slug, "--json"], { cwd: repository });
  expect(old.exitCode).toBe(5);
  expect(JSON.parse(old.stderr).error.reason).toBe("CREDENTIALS_INVALID");
  await ana.run(["login", "--token", "-"], { input: apiKey });
  expect((await ana.run(["feature", "show", slug], { cwd: repository })).exitCode).toBe(0);
});
