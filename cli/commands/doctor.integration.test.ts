import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { newFolder } from "../../server/testing/new-folder.ts";
import type { Check, Section } from "../doctor/section.ts";
import { SessionStore } from "../session/session-store.ts";
import { Person, startServer } from "../testing/cli-world.ts";

test("doctor says what it found and what to do, with an exit code that a script can rely on", async () => {
  const folder = await newFolder("doctor");
  const ana = new Person(folder, "ana", "http://127.0.0.1:1");
  const healthy = await ana.run(["doctor", "server"], { env: { NEXUS_DATA_DIR: join(folder, "none"), PORT: "0" } });
  expect(healthy).toMatchObject({ exitCode: 0, stderr: "" });
  expect(healthy.stdout).toMatch(/^server\n {2}ok +configuration +stores are embedded\n/);

  const sick = await ana.run(["doctor", "server"], { env: { PORT: "none" } });
  expect(sick.exitCode).toBe(1);
  expect(sick.stdout).toMatch(/failure {2}PORT {2}"none" is not a port: .*\n +next: set PORT/);
  const asJson = await ana.run(["doctor", "--json"], { env: { PORT: "none" } });
  expect(asJson.exitCode).toBe(1);
  expect(JSON.parse(asJson.stdout).sections[2]).toMatchObject({ name: "server", checks: [{ state: "failure" }] });
  expect((await ana.run(["doctor", "nothing"])).exitCode).toBe(2);
});

test("doctor looks at what commands and the keeper need, one after the other", async () => {
  const folder = await newFolder("doctor");
  const server = await startServer(folder);
  onTestFinished(async () => void (await server.stop()));
  const ana = new Person(folder, "ana", server.url);
  const repository = join(ana.folder, "shop");
  execFileSync("git", ["init", "--quiet", "-b", "main", repository]);
  const env = { NEXUS_KEEPER: "off", CLAUDE_CODE_SESSION_ID: "doctor" };
  const look = async (section: string, more = {}) => {
    const run = await ana.run(["doctor", section, "--json"], { env: { ...env, ...more }, cwd: repository });
    const { sections } = JSON.parse(run.stdout) as { sections: [Pick<Section, "name"> & { checks: Check[] }] };
    return { exitCode: run.exitCode, checks: new Map(sections[0].checks.map((check) => [check.name, check])) };
  };
  const does = (args: readonly string[]) => ana.json(args, { env, cwd: repository });

  const stranger = await look("client");
  expect(stranger.exitCode).toBe(1);
  expect(stranger.checks.get("key")).toMatchObject({ state: "failure", next: expect.stringContaining("nexus login") });
  expect(stranger.checks.get("project")).toMatchObject({ state: "skipped", detail: "needs the key" });
  const away = await look("client", { NEXUS_URL: "http://127.0.0.1:1" });
  expect(away.checks.get("server")).toMatchObject({ state: "failure", next: expect.stringContaining("nexus setup") });

  await does(["login", "--register", "--email", "a@example.com", "--name", "Ana"]);
  expect((await look("client")).checks.get("project")).toMatchObject({
    state: "warning",
    next: expect.stringContaining("nexus project use"),
  });
  await does(["project", "create", "shop"]);
  await does(["project", "use", "shop"]);
  const { session } = (await does(["session", "open"])) as { session: { id: string; projectId: string } };
  const healthy = await look("client");
  expect(healthy.exitCode).toBe(0);
  expect([...healthy.checks.values()].map(({ state }) => state)).toEqual(Array(7).fill("ok"));
  expect(healthy.checks.get("git")?.detail).toContain("branch main");
  expect(healthy.checks.get("session")?.detail).toBe(
    `${session.id}, found by CLAUDE_CODE_SESSION_ID, open, holds nothing`,
  );
  expect((await look("client", { NEXUS_API_KEY: "nonsense" })).checks.get("key")).toMatchObject({ state: "failure" });

  const config = join(ana.folder, "config", "nexus", "config.json");
  chmodSync(config, 0o644);
  expect((await look("client")).checks.get("configuration")).toMatchObject({
    state: "failure",
    next: `chmod 600 ${config}`,
  });
  mkdirSync(join(ana.folder, "blocked"));
  writeFileSync(join(ana.folder, "blocked", "nexus"), "");
  expect(
    (await look("client", { XDG_STATE_HOME: join(ana.folder, "blocked") })).checks.get("state folder"),
  ).toMatchObject({ state: "failure" });

  expect((await look("keeper")).exitCode).toBe(0);
  const held = { slug: "login", fencingToken: "1" };
  const keeping = { keeper: "0".repeat(32), lastCommandTime: new Date().toISOString() };
  const kept = { server: server.url, projectId: session.projectId, sessionId: session.id, held, keeping };
  new SessionStore(ana.env).save(kept, new Date());
  const unkept = await look("keeper");
  expect(unkept.exitCode).toBe(1);
  expect(unkept.checks.get(server.url)).toMatchObject({
    state: "failure",
    detail: expect.stringContaining(session.id),
    next: expect.stringContaining("nexus status"),
  });
});
