import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createScratchDir, type ScratchDir } from "../../server/testing/scratch-dir.ts";
import { startNexus } from "../../server/testing/start-nexus.ts";
import { NEXUS, Person } from "../testing/cli-world.ts";
import { inTerminal } from "../testing/terminal.ts";

let scratch: ScratchDir;

beforeAll(async () => {
  scratch = await createScratchDir();
});

afterAll(() => scratch?.remove());

/** Somebody new with a project of their own, in a repository of their own. */
async function newcomer(name: string) {
  const { url, join: register } = await startNexus("embedded");
  const { key } = await register(name);
  const person = new Person(scratch.path, name, url);
  const repository = join(person.folder, "repository");
  mkdirSync(join(repository, "src"), { recursive: true });
  writeFileSync(join(repository, "src", "auth.ts"), "");
  execFileSync("git", ["init", "-q", "-b", "trunk", repository], { env: { ...process.env, HOME: person.folder } });
  const identity = { NEXUS_API_KEY: key, CLAUDE_CODE_SESSION_ID: name, NEXUS_KEEPER: "off" };
  const env = { ...person.env, NEXUS_URL: url, ...identity };
  const here = { cwd: repository, env };
  await person.json(["project", "create", "shop"], here);
  await person.json(["project", "use", "shop"], here);
  return { person, key, here, drafts: join(person.folder, "state", "nexus", "drafts") };
}

/** An editor that puts this text into the file that it is given. */
function editorThatWrites(folder: string, text: string): string {
  writeFileSync(join(folder, "typed.md"), text);
  const editor = join(folder, "editor.sh");
  writeFileSync(editor, `#!/bin/sh\ncp "${join(folder, "typed.md")}" "$1"\n`);
  chmodSync(editor, 0o755);
  return editor;
}

test("a key is asked for and not shown; Ctrl-C gives up", async () => {
  const { key, here } = await newcomer("kim");
  const { NEXUS_API_KEY: _, ...env } = here.env;

  const login = inTerminal(["login"], { ...here, env });
  await login.until("which is not shown: ");
  login.type(`${key}x\u007f\r`);
  expect(await login.ended()).toBe(0);
  expect(login.shown()).toContain("logged in to ");
  expect(login.shown()).not.toContain(key.slice(0, 20));

  const given = inTerminal(["login"], { ...here, env });
  await given.until("which is not shown: ");
  given.type("nxs_\u0003");
  expect(await given.ended()).toBe(130);
  expect(given.shown()).not.toContain("nxs_");
});

test("a feature is written in the editor; what was written is kept when it is refused", async () => {
  const { person, here, drafts } = await newcomer("eva");
  const written = "---\ntitle: Log in\nlane: now\ntouches:\n  - src/auth.ts\n---\nKeep it simple.\n";
  const env = { ...here.env, EDITOR: editorThatWrites(person.folder, written) };

  const created = inTerminal(["feature", "create"], { ...here, env });
  expect(await created.ended()).toBe(0);
  expect(created.shown()).toContain("created log-in as a draft; it touches src/auth.ts");
  expect(readdirSync(drafts)).toEqual([]);

  const again = inTerminal(["feature", "create"], { ...here, env });
  expect(await again.ended()).toBe(1);
  const [draft = ""] = readdirSync(drafts);
  expect(again.shown()).toContain(`what you wrote is kept: nexus feature create --from ${join(drafts, draft)}`);
  expect(readFileSync(join(drafts, draft), "utf8")).toBe(written);

  const from = ["feature", "create", "--from", join(drafts, draft), "--slug", "log-in-2", "--lane", "later"];
  expect(await person.json(from, here)).toMatchObject({
    feature: { slug: "log-in-2", title: "Log in", spec: "Keep it simple.", lane: "LANE_LATER" },
  });
});

test("a feature is changed in the editor: what was not changed there stays, and somebody else's change is not lost", async () => {
  const { person, here, drafts } = await newcomer("ute");
  const create = [
    "feature",
    "create",
    "--slug",
    "login",
    "--title",
    "Login",
    "--touch",
    "src/auth.ts",
    "--spec",
    "Old.",
  ];
  await person.json(create, here);
  const writes = "---\ntitle: Log in\nlane: next\ntouches:\n  - src/auth.ts\n  - src/ui/**\n---\nOld.\n";
  const editor = editorThatWrites(person.folder, writes);

  const edited = inTerminal(["feature", "edit", "login"], {
    cwd: join(here.cwd, "src"),
    env: { ...here.env, EDITOR: editor },
  });
  expect(await edited.ended()).toBe(0);
  expect(await person.json(["feature", "show", "login"], here)).toMatchObject({
    feature: { title: "Log in", spec: "Old.", touches: [{ path: "src/auth.ts" }, { path: "src/ui/**" }] },
  });
  expect(readdirSync(drafts)).toEqual([]);

  const meanwhile = `sh -c '"${NEXUS}" feature edit login --lane later --quiet && sed -i s/Old/New/ "$1"' sh`;
  const late = inTerminal(["feature", "edit", "login"], { ...here, env: { ...here.env, EDITOR: meanwhile } });
  expect(await late.ended()).toBe(1);
  expect(late.shown()).toContain("what you wrote is kept: nexus feature edit login --from ");
  const [draft = ""] = readdirSync(drafts);
  expect(readFileSync(join(drafts, draft), "utf8")).toContain("New.");
});

test("an editor that is left without a word creates nothing; one that fails keeps the draft", async () => {
  const { here, drafts } = await newcomer("ida");

  const left = inTerminal(["feature", "create"], { ...here, env: { ...here.env, EDITOR: "true" } });
  expect(await left.ended()).toBe(2);
  expect(left.shown()).toContain("nothing was written");
  expect(readdirSync(drafts)).toEqual([]);

  const failed = inTerminal(["feature", "create"], { ...here, env: { ...here.env, VISUAL: "no-such-editor --wait" } });
  expect(await failed.ended()).toBe(1);
  expect(failed.shown()).toContain("can't be run");
  expect(readdirSync(drafts)).toHaveLength(1);
});

test("what came from stdin is kept as well, with the options, and JSON names the file", async () => {
  const { person, here } = await newcomer("sam");
  const args = ["feature", "create", "--title", "Log in", "--touch", "../outside", "--spec-file", "-", "--json"];

  const refused = await person.run(args, { ...here, input: "Typed for an hour.\n" });

  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  const { draft } = JSON.parse(refused.stderr).error;
  expect(readFileSync(draft, "utf8")).toContain("title: Log in\n");
  expect(readFileSync(draft, "utf8")).toContain("  - ../outside\n");
  expect(readFileSync(draft, "utf8")).toContain("Typed for an hour.\n");
});

test("a pick waits until somebody else is done; Ctrl-C or its bound end the waiting", async () => {
  const { person, here } = await newcomer("wim");
  for (const slug of ["one", "two"]) {
    await person.json(["feature", "create", "--slug", slug, "--title", slug, "--touch", "src/auth.ts"], here);
    await person.json(["feature", "ready", slug], here);
  }
  await person.json(["pick", "one"], here);
  const other = { ...here, env: { ...here.env, CLAUDE_CODE_SESSION_ID: "wim-2" } };

  const bounded = await person.run(["pick", "two", "--wait=50ms", "--json"], other);
  expect(bounded).toMatchObject({ exitCode: 3, stdout: "" });
  expect(JSON.parse(bounded.stderr).error.reason).toBe("CLAIM_CONFLICT");

  const interrupted = inTerminal(["pick", "two", "--wait"], other);
  await interrupted.until("waiting; Ctrl-C gives up");
  interrupted.type("\u0003");
  expect(await interrupted.ended()).toBe(130);
  expect(interrupted.shown()).not.toContain("next:");

  const waiting = inTerminal(["pick", "two", "--wait"], other);
  await waiting.until("waiting; Ctrl-C gives up");
  await person.json(["done"], here);
  expect(await waiting.ended()).toBe(0);
  expect(waiting.shown()).toContain("you hold\n  src/auth.ts\n");
});

test("what is waited for is told after a second, and Ctrl-C ends it cleanly", async () => {
  const silent = createServer();
  onTestFinished(() => {
    silent.close();
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const ivy = new Person(scratch.path, "ivy", url);
  const env = { ...ivy.env, NEXUS_URL: url, NEXUS_API_KEY: "nxs_key" };

  const asking = inTerminal(["whoami"], { cwd: ivy.folder, env });
  await asking.until(`waiting for ${url}, 1 s`);
  asking.type("\u0003");

  expect(await asking.ended()).toBe(130);
  expect(asking.shown()).not.toContain("nexus:");
});

test("a reader that has seen enough is no failure, and nothing is said of it", async () => {
  const child = spawn(NEXUS, ["--help"], { env: new Person(scratch.path, "pia", "").env });
  child.stdout.destroy();
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });

  const [exitCode] = await once(child, "close");

  expect({ exitCode, said }).toEqual({ exitCode: 0, said: "" });
});
