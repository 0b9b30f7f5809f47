import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScratchDir, type ScratchDir } from "../../server/testing/scratch-dir.ts";
import { Person, startServer, type TestServer } from "../testing/cli-world.ts";

let scratch: ScratchDir;
let server: TestServer;
let ana: Person;
let repository = "";

beforeAll(async () => {
  scratch = await createScratchDir();
  server = await startServer(scratch.path);
  ana = new Person(scratch.path, "ana", server.url);
  await ana.json(["login", "--register", "--email", "a@example.com", "--name", "Ana"]);
});

afterAll(async () => {
  await server?.stop();
  await scratch?.remove();
});

function git(...args: string[]): string {
  const identity = ["-c", "user.name=Ana", "-c", "user.email=a@example.com"];
  const env = { ...process.env, HOME: scratch.path };
  return execFileSync("git", [...identity, "-C", repository, ...args], { env, encoding: "utf8" }).trim();
}

function commit(what: string): string {
  git("commit", "-q", "--allow-empty", "-m", what);
  return git("rev-parse", "HEAD");
}

/** A repository linked with a new project of these features, ready. */
async function openRepository(name: string, features: Record<string, string>): Promise<void> {
  repository = join(scratch.path, name);
  mkdirSync(repository);
  git("init", "-q", "-b", "main");
  commit("first");
  await ana.json(["project", "create", name]);
  await run("project", "use", name);
  for (const [slug, path] of Object.entries(features)) {
    await json("feature", "create", "--slug", slug, "--title", slug, "--touch", path);
    await json("feature", "ready", slug);
  }
}

const run = (...args: string[]) => ana.run(args, { cwd: repository });
const json = <Answer = unknown>(...args: string[]) => ana.json<Answer>(args, { cwd: repository });

async function openSession(name: string): Promise<string> {
  const answer = await json<{ session: { id: string } }>("session", "open", "--client-session-id", name);
  return answer.session.id;
}

test("the next feature is picked, then nothing is, and the refusal and the lists say why", async () => {
  await openRepository("choose", { first: "src", second: "src/a.ts", third: "docs" });
  const [one, two, three] = [await openSession("1"), await openSession("2"), await openSession("3")];

  const batch = await json<{ batch: { slug: string }[] }>("feature", "next", "--count", "4");
  expect(batch.batch.map(({ slug }) => slug)).toEqual(["first", "third"]);
  expect(await json("feature", "next", "--session", one)).toMatchObject({ feature: { slug: "first" } });
  expect(await json("next", "--session", two)).toMatchObject({ feature: { slug: "third" } });

  const refused = await run("feature", "next", "--session", three, "--json");
  expect(refused).toMatchObject({ exitCode: 3, stdout: "" });
  expect(JSON.parse(refused.stderr).error).toMatchObject({
    reason: "NOTHING_AVAILABLE",
    details: [{ waiting: [{ slug: "second", heldFor: ["first"] }] }, {}],
  });
  expect((await run("next", "--session", three)).stderr).toContain("Ana works on first");
  const available = await run("feature", "available", "--blocked");
  expect(available.stdout).toMatch(/^nothing can be picked now\n\nsecond waits\n {2}Ana works on first/);
  const blocked = await json<{ blocked: unknown[] }>("feature", "available", "--blocked");
  expect(blocked.blocked).toMatchObject([{ feature: { slug: "second" }, blocked: [{ heldPath: "src" }] }]);
  const status = await run("status");
  expect(status.stdout).toMatch(/held longest +first by Ana/);
  expect(status.stdout).toMatch(/stores +postgres ok, claims ok/);
  expect(status.stdout).toMatch(/second +next +first/);
  expect((await run("done", "--session", one)).exitCode).toBe(0);
  expect(await json("next", "--session", three)).toMatchObject({ feature: { slug: "second" } });
});

test("the roadmap is shown and reordered", async () => {
  await openRepository("order", { a: "a", b: "b", c: "c" });

  expect((await run("roadmap", "reorder", "c", "--before", "a")).stdout).toBe("c is in next, right before a\n");
  expect((await run("roadmap", "reorder", "b", "--lane", "now")).exitCode).toBe(0);
  expect((await run("roadmap", "reorder", "b")).exitCode).toBe(2);

  const { lanes, etag } = await json<{ lanes: { entries: { feature: { slug: string } }[] }[]; etag: string }>(
    "roadmap",
    "show",
  );
  expect(lanes.map(({ entries }) => entries.map(({ feature }) => feature.slug))).toEqual([["b"], ["c", "a"], [], []]);
  expect((await run("roadmap", "show")).stdout).toMatch(/^now\nfeature.*\nb .*\n\nnext\nfeature.*\nc .*\na .*\n/);
  expect((await run("roadmap", "reorder", "a", "--lane", "now", "--etag", `${etag}0`)).exitCode).toBe(1);
});

test("done notes what is checked out, a pick warns of it, and a check of the main branch ends that", async () => {
  await openRepository("merge", { login: "src/auth.ts", logout: "src", lost: "lost" });
  git("checkout", "-q", "-b", "login-work");
  const work = commit("login");
  await run("pick", "login");
  const done = await json("done");
  expect(done).toMatchObject({ feature: { landing: { branch: "login-work", commit: work } } });
  await run("pick", "lost");
  await run("done", "--commit", "0123456789abcdef0123456789abcdef01234567");

  git("checkout", "-q", "main");
  const session = await openSession("elsewhere");
  const picked = await run("pick", "logout", "--session", session);
  expect(picked.stdout).toContain("login is done on login-work and not merged; it changed src/auth.ts");

  expect(await json("feature", "merged", "--check")).toMatchObject({
    features: [],
    unmerged: ["login"],
    unknown: ["lost"],
  });
  git("merge", "-q", "--no-ff", "-m", "merge", "login-work");
  const checked = await run("feature", "merged", "--check");
  expect(checked.stdout).toBe("in main now: login\ntheir commit is not known here; fetch, or name them: lost\n");
  expect((await run("feature", "merged", "lost")).stdout).toBe("lost is noted as merged\n");
  expect((await run("feature", "merged", "--check")).stdout).toBe("everything that is done is merged\n");
  const again = await run("pick", "logout", "--session", session);
  expect(again.stdout).not.toContain("not merged");
  expect((await run("feature", "merged")).exitCode).toBe(2);
});
