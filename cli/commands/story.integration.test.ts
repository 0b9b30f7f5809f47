import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScratchDir, type ScratchDir } from "../../server/testing/scratch-dir.ts";
import { NEXUS, Person, runCommand, startServer, type TestServer } from "../testing/cli-world.ts";

let scratch: ScratchDir;
let server: TestServer;
let ana: Person;
let ben: Person;
let repository = "";

interface Session {
  readonly session: { readonly id: string; readonly worktree: string; readonly branch: string; readonly state: string };
}

beforeAll(async () => {
  scratch = await createScratchDir();
  server = await startServer(scratch.path);
  ana = new Person(scratch.path, "ana", server.url);
  ben = new Person(scratch.path, "ben", server.url);
  repository = join(scratch.path, "repository");
  mkdirSync(join(repository, "src", "ui"), { recursive: true });
  execFileSync("git", ["init", "-q", "-b", "trunk", repository], { env: { ...process.env, HOME: scratch.path } });
});

afterAll(async () => {
  await server?.stop();
  await scratch?.remove();
});

function inRepository(env: Record<string, string> = {}) {
  return { cwd: repository, env };
}

test("the command lines of the contract work as written", async () => {
  const registered = await ana.json<{ apiKey: string; engineer: { id: string } }>([
    "login",
    "--register",
    "--email",
    "a@example.com",
    "--name",
    "Ana",
  ]);
  expect(registered.apiKey).toMatch(/^nxs_/);
  expect(registered.engineer.id).not.toBe("");
  const config = join(ana.folder, "config", "nexus", "config.json");
  expect(statSync(config).mode & 0o777).toBe(0o600);

  await ben.json(["login", "--register", "--email", "b@example.com", "--name", "Ben"]);
  await ana.run(["logout"]);
  expect((await ana.run(["whoami"])).exitCode).toBe(5);
  const again = await ana.run(["login", "--token", "-"], { input: `${registered.apiKey}\n` });
  expect(again).toMatchObject({ exitCode: 0, stderr: "" });

  const created = await ana.json<{ project: { id: string } }>(["project", "create", "shop", "--name", "Shop"]);
  const used = await ana.run(["project", "use", "shop"], inRepository());
  expect(used.exitCode).toBe(0);
  expect(JSON.parse(readFileSync(join(repository, ".nexus.json"), "utf8"))).toEqual({
    server: server.url,
    project: created.project.id,
    slug: "shop",
  });
  await ana.json(["project", "add-member", "b@example.com"], inRepository());

  const open = ["session", "open", "--client-session-id", "a1", "--agent", "claude"];
  const { session } = await ana.json<Session>(open, inRepository());
  expect(session).toMatchObject({ worktree: repository, branch: "trunk", state: "SESSION_STATE_OPEN" });
  expect((await ana.json<Session>(open, inRepository())).session.id).toBe(session.id);
  const beat = await ana.run(["session", "heartbeat", "--session", session.id], inRepository());
  expect(beat.exitCode).toBe(0);

  await ana.json(["feature", "create", "--slug", "base", "--title", "Base"], inRepository());
  const login = await ana.json(
    [
      ...["feature", "create", "--slug", "login", "--title", "Login", "--lane", "now"],
      ...["--touch", "auth.ts", "--touch", "ui/**"],
    ],
    { cwd: join(repository, "src") },
  );
  expect(login).toMatchObject({
    feature: { lane: "LANE_NOW", touches: [{ path: "src/auth.ts" }, { path: "src/ui/**" }] },
  });
  await ana.json(["feature", "create", "--slug", "other", "--title", "Other", "--touch", "src/**"], inRepository());
  await ana.json(["feature", "create", "--slug", "docs", "--title", "Docs", "--touch", "docs"], inRepository());
  for (const slug of ["login", "other", "docs"]) {
    expect((await ana.run(["feature", "ready", slug], inRepository())).exitCode).toBe(0);
  }

  const picked = await ana.json(["feature", "pick", "login", "--session", session.id], inRepository());
  expect(picked).toMatchObject({
    feature: { status: "FEATURE_STATUS_ACTIVE" },
    claim: { fencingToken: expect.stringMatching(/^\d+$/) },
  });
  const kept = join(ana.folder, "state", "nexus", "sessions", `${session.id}.json`);
  expect(statSync(kept).mode & 0o777).toBe(0o600);

  const opened = await ben.json<Session>(["session", "open", "--client-session-id", "b1"], inRepository());
  const bens = inRepository({ NEXUS_SESSION: opened.session.id });
  const refused = await ben.run(["feature", "pick", "other", "--json"], bens);
  expect(refused).toMatchObject({ exitCode: 3, stdout: "" });
  expect(JSON.parse(refused.stderr).error).toMatchObject({
    code: "failed_precondition",
    reason: "CLAIM_CONFLICT",
    details: [
      {
        "@type": "nexus.v1.ClaimConflict",
        blocked: [{ heldPath: "src/auth.ts", holder: { engineerName: "Ana", agent: "claude", featureSlug: "login" } }],
        suggestions: [{ slug: "docs" }],
      },
      { "@type": "google.rpc.RetryInfo" },
    ],
  });
  const told = await ben.run(["pick", "other"], bens);
  expect(told).toMatchObject({ exitCode: 3, stdout: "" });
  expect(told.stderr).toMatch(
    /^nexus: other is blocked: a path that it touches is held\n {2}Ana \(claude\) works on login/,
  );
  expect(told.stderr).toContain("next: nexus pick docs");

  const available = await ben.json<{ features: { slug: string }[] }>(["feature", "available"], inRepository());
  expect(available.features.map(({ slug }) => slug)).toEqual(["docs"]);
  const checked = await ben.json(["claim", "check", "src/auth.ts", "README.md"], inRepository());
  expect(checked).toMatchObject({
    paths: [{ path: "src/auth.ts", holder: { featureSlug: "login" } }, { path: "README.md" }],
  });
  const status = await ben.json<{ sessions: unknown[] }>(["status"], inRepository());
  expect(status.sessions).toHaveLength(2);

  const done = await ana.json(["feature", "done", "--session", session.id], inRepository());
  expect(done).toMatchObject({ feature: { slug: "login", status: "FEATURE_STATUS_DONE" } });
  expect((await ben.run(["pick", "other"], bens)).exitCode).toBe(0);
  expect((await ben.run(["pick", "docs"], bens)).exitCode).toBe(3);
  expect((await ben.run(["done"], bens)).exitCode).toBe(0);

  const empty = await ana.run(["feature", "list", "--status", "ready", "--lane", "now", "--json"], inRepository());
  expect(empty.stdout).toMatch(/^\{"features":\[\],"nextPageToken":"","eventCursor":"\d+"\}\n$/);
});

test("editing, cancelling, deleting and the settings of the project", async () => {
  await ana.json(["feature", "create", "--title", "Search Box", "--spec-file", "-"], {
    ...inRepository(),
    input: "# Find it\n",
  });
  const shown = await ana.run(["feature", "show", "search-box"], inRepository());
  expect(shown.stdout).toContain("# Find it");
  const edit = ["feature", "edit", "search-box", "--lane", "later", "--touch", "src/search.ts", "--title", "Search"];
  expect(await ana.json(edit, inRepository())).toMatchObject({
    feature: { title: "Search", lane: "LANE_LATER", spec: "# Find it\n", touches: [{ path: "src/search.ts" }] },
  });
  await ana.json(["feature", "ready", "search-box"], inRepository());
  expect(await ana.json(["feature", "unready", "search-box"], inRepository())).toMatchObject({
    feature: { status: "FEATURE_STATUS_DRAFT" },
  });
  await ana.json(["feature", "delete", "search-box"], inRepository());
  expect((await ana.run(["feature", "show", "search-box"], inRepository())).exitCode).toBe(1);
  expect(await ana.json(["feature", "cancel", "base"], inRepository())).toMatchObject({
    feature: { status: "FEATURE_STATUS_CANCELLED" },
  });

  const settings = await ana.json<{ project: { settings: { sharedPaths: string[] } } }>(
    ["project", "settings", "--session-ttl", "10m"],
    inRepository(),
  );
  expect(settings).toMatchObject({ project: { settings: { sessionTtl: "600s", lockDelay: "15s" } } });
  expect(settings.project.settings.sharedPaths).toContain("package-lock.json");
  const denied = await ben.run(["project", "settings", "--session-ttl", "10m", "--json"], inRepository());
  expect(denied.exitCode).toBe(5);
  expect(JSON.parse(denied.stderr).error.reason).toBe("PERMISSION_DENIED");

  const members = await ana.json<{ members: { engineer: { email: string } }[] }>(
    ["project", "members"],
    inRepository(),
  );
  expect(members.members.map(({ engineer }) => engineer.email)).toEqual(["a@example.com", "b@example.com"]);
  await ana.json(["project", "remove-member", "b@example.com"], inRepository());
  expect((await ben.run(["feature", "list"], inRepository())).exitCode).toBe(1);
  await ana.json(["project", "add-member", "b@example.com"], inRepository());
});

test("bad input changes nothing and names the field", async () => {
  const invalid = ["feature", "create", "--slug", "wrong", "--title", "Wrong", "--touch", "a/*/", "--json"];
  const refused = await ana.run(invalid, inRepository());

  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(JSON.parse(refused.stderr).error).toMatchObject({
    code: "invalid_argument",
    reason: "PATH_INVALID",
    details: [{ "@type": "google.rpc.BadRequest", fieldViolations: [{ field: "touches[0].path" }] }],
  });
  expect((await ana.run(["feature", "show", "wrong"], inRepository())).exitCode).toBe(1);
});

test("a slug that names two projects is not guessed: the id is asked for", async () => {
  await ben.json(["project", "create", "shop"]);

  const refused = await ben.run(["project", "show", "shop"]);

  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toMatch(/id/);
  const { projects } = await ben.json<{ projects: { id: string }[] }>(["project", "list"]);
  expect(projects).toHaveLength(2);
  expect((await ben.run(["project", "show", projects[0]?.id ?? ""])).exitCode).toBe(0);
  await ben.json(["feature", "list"], { env: { NEXUS_PROJECT: projects[1]?.id ?? "" } });
});

test("a list is answered whole, however many pages it has", async () => {
  const { createNexusClient } = await import("@nexus/client");
  const { keys } = JSON.parse(readFileSync(join(ana.folder, "config", "nexus", "config.json"), "utf8"));
  const { project } = await ana.json<{ project: { id: string } }>(["project", "create", "many"]);
  const client = createNexusClient({ baseUrl: server.url, apiKey: keys[server.url] });
  for (let at = 0; at < 520; at += 20) {
    const batch = Array.from({ length: 20 }, (_, index) => ({ projectId: project.id, slug: `f-${at + index}` }));
    await Promise.all(batch.map((request) => client.features.createFeature(request)));
  }
  client.close();

  const answer = await ana.json<{ features: unknown[]; nextPageToken: string }>([
    "feature",
    "list",
    "--project",
    "many",
  ]);

  expect(answer.features).toHaveLength(520);
  expect(answer.nextPageToken).toBe("");
});

test("a reader that stops early is no error, and npm's link starts the command line", async () => {
  const link = join(ana.folder, "nexus-link");
  symlinkSync(NEXUS, link);
  const env = { ...ana.env, NEXUS_URL: server.url };
  const script = `"${link}" feature list --project many --json | head -c 1`;

  const piped = await runCommand("/bin/sh", ["-c", script], { env, cwd: ana.folder });

  expect(piped).toEqual({ exitCode: 0, stdout: "{", stderr: "" });
});

test("where the new key can't be kept nobody is registered", async () => {
  const register = ["login", "--register", "--email", "c@example.com", "--name", "Cem", "--json"];
  const file = join(ana.folder, "file");
  writeFileSync(file, "");

  const refused = await ana.run(register, { env: { XDG_CONFIG_HOME: file } });

  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(JSON.parse(refused.stderr).error.reason).toBe("FILE_UNUSABLE");
  expect((await ana.run(register, { env: { XDG_CONFIG_HOME: join(ana.folder, "cem") } })).exitCode).toBe(0);
});

test("where the token can't be kept nothing is picked", async () => {
  await ana.json(["feature", "create", "--slug", "kept", "--title", "Kept"], inRepository());
  await ana.json(["feature", "ready", "kept"], inRepository());
  const { session } = await ana.json<Session>(["session", "open", "--client-session-id", "k1"], inRepository());
  const file = join(ana.folder, "file");
  writeFileSync(file, "");

  const refused = await ana.run(
    ["pick", "kept", "--session", session.id, "--json"],
    inRepository({ XDG_STATE_HOME: file }),
  );

  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(JSON.parse(refused.stderr).error.reason).toBe("FILE_UNUSABLE");
  expect(await ana.json(["feature", "show", "kept"], inRepository())).toMatchObject({
    feature: { status: "FEATURE_STATUS_READY" },
  });
});

test("an output that can't be written, and a folder that is gone, are a sentence and exit 1", async () => {
  const env = { ...ana.env, NEXUS_URL: server.url, NEXUS: NEXUS };
  const sh = (script: string) => runCommand("/bin/sh", ["-c", script], { env, cwd: ana.folder });

  const full = await sh('"$NEXUS" whoami > /dev/full');
  const gone = await sh('mkdir gone && cd gone && rmdir ../gone && "$NEXUS" whoami');

  expect(full.exitCode).toBe(1);
  expect(full.stderr).toMatch(/^nexus: the output can't be written: .*\n$/);
  expect(gone).toMatchObject({ exitCode: 1, stdout: "" });
  expect(gone.stderr).toContain("nexus: the current folder can't be used");
});

test("what is learnt, decided and saved is told to the next one who picks, and found again", async () => {
  writeFileSync(join(repository, "src", "parser.ts"), "");
  const { session } = await ana.json<Session>(["session", "open", "--client-session-id", "s1"], inRepository());
  const first = inRepository({ NEXUS_SESSION: session.id });
  await ana.json(["feature", "create", "--slug", "parser", "--title", "Parser", "--touch", "src/parser.ts"], first);
  await ana.json(["feature", "ready", "parser"], first);
  await ana.json(["pick", "parser"], first);

  const learnt = await ana.run(["learn", "the token cache is per process"], first);
  const decided = await ana.json<{ decision: { id: string } }>(
    ["decision", "Keep claims in Redis\nEach with its expiry.", "--rationale", "they expire"],
    first,
  );
  const saved = await ana.json(["save", "half-way: parser done, tests missing", "--data", '{"step":3}'], first);

  expect(learnt).toMatchObject({ exitCode: 0, stdout: "learnt on parser\n", stderr: "" });
  expect(decided).toMatchObject({
    decision: { title: "Keep claims in Redis", decision: "Each with its expiry.", rationale: "they expire" },
  });
  expect(saved).toMatchObject({
    checkpoint: {
      featureSlug: "parser",
      branch: "trunk",
      data: { step: 3 },
      changedPaths: [".nexus.json", "src/parser.ts"],
      heldTouches: [{ path: "src/parser.ts" }],
    },
  });
  await ana.run(["session", "close", "--session", session.id], inRepository());

  const late = await ana.run(["save", "too late"], first);
  expect(late.exitCode).toBe(6);
  const next = await ana.json<Session>(["session", "open", "--client-session-id", "s2"], inRepository());
  const second = inRepository({ NEXUS_SESSION: next.session.id });
  const picked = await ana.run(["pick", "parser"], second);
  expect(picked.exitCode).toBe(0);
  for (const told of [
    "half-way: parser done",
    "Keep claims in Redis",
    "because they expire",
    "the token cache is per",
  ]) {
    expect(picked.stdout).toContain(told);
  }
  expect((await ana.run(["resume"], second)).stdout).toMatch(
    /branch +trunk\n[\s\S]*half-way: parser done, tests missing\n\nyou hold parser\nnext: nexus done /,
  );
  expect(await ana.json(["resume", "parser"], second)).toMatchObject({ checkpoint: { sessionId: session.id } });

  const found = await ana.run(["knowledge", "search", "caches"], second);
  expect(found.stdout).toContain("the token **cache** is per process");
  const about = await ana.json<{ results: { kind: string }[] }>(
    ["knowledge", "search", "--path", "parser.ts", "--kind", "learning,checkpoint"],
    { ...second, cwd: join(repository, "src") },
  );
  expect(about.results.map(({ kind }) => kind).sort()).toEqual([
    "KNOWLEDGE_KIND_CHECKPOINT",
    "KNOWLEDGE_KIND_LEARNING",
  ]);
  await ana.json(["decision", "Keep claims in Valkey", "--supersedes", decided.decision.id], second);
  const inForce = await ana.json<{ decisions: { title: string }[] }>(["knowledge", "decisions"], second);
  expect(inForce.decisions.map(({ title }) => title)).toEqual(["Keep claims in Valkey"]);
  const all = await ana.run(["knowledge", "decisions", "--all"], second);
  expect(all.stdout).toContain("superseded by");
  expect((await ana.run(["knowledge", "learnings", "--feature", "parser"], second)).stdout).toContain("token cache");
});
