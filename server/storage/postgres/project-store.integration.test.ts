import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { EtagMismatchError } from "../../domain/errors.ts";
import type { EngineerId, ProjectId, Slug } from "../../domain/ids.ts";
import { updateProject } from "../../domain/projects/update-project.ts";
import { createTestDatabase } from "../../testing/test-database.ts";
import { whileUncommitted } from "../../testing/while-uncommitted.ts";
import { connectPostgres, type Queryable } from "./connect.ts";
import { PostgresDatabase } from "./database.ts";
import { PostgresEngineerStore } from "./engineer-store.ts";
import { PostgresProjectStore } from "./project-store.ts";

const TIME = new Date("2026-01-01T00:00:00Z");

/** A database with one engineer and one project of theirs. */
async function start() {
  const database = await createTestDatabase();
  const connection = connectPostgres(database.url, 4);
  onTestFinished(async () => {
    await connection.close();
    await database.drop();
  });
  const engineerId = randomUUID() as EngineerId;
  await new PostgresEngineerStore(connection.db).insert({
    id: engineerId,
    name: "Ana",
    email: "ana@example.com",
    createTime: TIME,
  });
  const projects = new PostgresProjectStore(connection.db);
  const id = await createProject(projects, engineerId, "shop");
  return { connection, projects, engineerId, id };
}

async function createProject(projects: PostgresProjectStore, creatorId: EngineerId, slug: string): Promise<ProjectId> {
  const id = randomUUID() as ProjectId;
  await projects.insert({
    id,
    slug: slug as Slug,
    name: slug,
    creatorId,
    settings: { sessionTtlMs: 300_000, lockDelayMs: 15_000, sharedPaths: [], caseSensitive: false },
    version: 1,
    epoch: 1,
    createTime: TIME,
  });
  return id;
}

test("an epoch is raised once from the same one", async () => {
  const { projects, id } = await start();

  const raised = await Promise.all([projects.raiseEpoch(id, 1), projects.raiseEpoch(id, 1)]);

  expect(raised.sort()).toEqual([false, true]);
  expect((await projects.getById(id))?.epoch).toBe(2);
});

test("a locked epoch stays until its transaction ends, and others who lock it wait", async () => {
  const { connection, id } = await start();
  const lockEpoch = async (tx: Queryable) => {
    expect(await new PostgresProjectStore(tx).lockEpoch(id, 2)).toBe(false);
    return new PostgresProjectStore(tx).lockEpoch(id, 1);
  };

  const raised = await whileUncommitted(connection, lockEpoch, (tx) => new PostgresProjectStore(tx).raiseEpoch(id, 1));
  expect(raised).toEqual({ waited: true, answer: true });

  const lockedEpoch2 = (tx: Queryable) => new PostgresProjectStore(tx).lockEpoch(id, 2);
  expect(await whileUncommitted(connection, lockedEpoch2, lockedEpoch2)).toEqual({ waited: true, answer: true });
});

test("who locks the owners waits for who did before, and counts those that are left", async () => {
  const { connection, projects, engineerId, id } = await start();
  const bob = randomUUID() as EngineerId;
  await new PostgresEngineerStore(connection.db).insert({ id: bob, name: "Bob", email: "bob@x.org", createTime: TIME });
  await projects.addMember(id, bob, "owner", TIME);

  const left = await whileUncommitted(
    connection,
    async (tx) => {
      expect(await new PostgresProjectStore(tx).lockOwners(id)).toBe(2);
      await new PostgresProjectStore(tx).removeMember(id, engineerId);
    },
    (tx) => new PostgresProjectStore(tx).lockOwners(id),
  );

  expect(left).toEqual({ waited: true, answer: 1 });
});

test("of two changes to one version the later is not made", async () => {
  const { connection, projects, id } = await start();
  const rename = (name: string) => (tx: Queryable) => new PostgresProjectStore(tx).update(id, 1, { name });

  const late = await whileUncommitted(connection, rename("One"), rename("Two"));

  expect(late).toEqual({ waited: true, answer: undefined });
  expect(await projects.getById(id)).toMatchObject({ name: "One", version: 2 });
});

test("an update without an etag that comes too late is made on top of the other", async () => {
  const { connection, projects, engineerId, id } = await start();
  const database = new PostgresDatabase(connection);
  const caller = { engineerId, engineerName: "Ana", keyId: "", scope: "full", request: undefined } as const;
  const change = { projectId: id, slug: undefined, name: "Two", settings: {} };

  const late = await whileUncommitted(
    connection,
    (tx) => new PostgresProjectStore(tx).update(id, 1, { slug: "one" as Slug }),
    () => updateProject({ database }, caller, { ...change, etag: undefined }),
  );

  expect(late).toMatchObject({ waited: true, answer: { slug: "one", name: "Two", version: 3 } });
  await expect(updateProject({ database }, caller, { ...change, etag: "2" })).rejects.toThrow(EtagMismatchError);
  expect(await projects.getById(id)).toEqual(late.answer);
});

test("only projects with open sessions, leases or claims that are not freed are at work", async () => {
  const { connection, projects, engineerId } = await start();
  const at = new Map<string, ProjectId>();
  for (const slug of ["open", "leased", "ended-session", "held", "ending", "ended", "void"]) {
    at.set(slug, await createProject(projects, engineerId, slug));
  }
  for (const [slug, state, leaseEnded] of [
    ["open", "open", false],
    ["leased", "closed", false],
    ["ended-session", "closed", true],
  ] as const) {
    await connection.client`
      insert into sessions (id, project_id, engineer_id, client_session_id, agent, host, worktree, branch, state,
        open_time, lease_ended)
      values (${randomUUID()}, ${at.get(slug) ?? ""}, ${engineerId}, 'c', '', '', '', '', ${state}, '2026-01-01',
        ${leaseEnded})`;
  }
  for (const state of ["held", "ending", "ended", "void"]) {
    await connection.client`
      insert into claims (id, project_id, state, touches) values (${randomUUID()}, ${at.get(state) ?? ""}, ${state}, '[]')`;
  }

  const found = await projects.listAtWork();

  expect(found.map((project) => project.slug).sort()).toEqual(["ending", "held", "leased", "open"]);
});

test("a project is deleted with features that depend on each other, and nothing else is", async () => {
  const { connection, projects, engineerId, id } = await start();
  const other = await createProject(projects, engineerId, "other");
  const [base, top, kept] = [randomUUID(), randomUUID(), randomUUID()];
  for (const [feature, project] of [
    [base, id],
    [top, id],
    [kept, other],
  ] as const) {
    await connection.client`
      insert into features
        (id, project_id, slug, title, spec, status, lane, position, touches, create_time, update_time)
      values (${feature}, ${project}, ${feature}, '', '', 'draft', 1, 1, '[]', '2026-01-01', '2026-01-01')`;
  }
  await connection.client`insert into feature_dependencies (feature_id, depends_on_id, ordinal) values (${top}, ${base}, 0)`;

  await projects.delete(id);

  expect(await projects.getById(id)).toBeUndefined();
  const left = await connection.client`select id from features`;
  expect(left.map((row) => row["id"])).toEqual([kept]);
});
