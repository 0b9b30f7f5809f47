import { cp, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import postgres from "postgres";
import { expect, inject, onTestFinished, test } from "vitest";
import { dumpDatabase } from "../storage/postgres/dump.ts";
import { migrate } from "../storage/postgres/migrate.ts";
import { newFolder } from "../testing/new-folder.ts";
import { clientsFor, joinAs, startNexus, type TestNexus } from "../testing/start-nexus.ts";
import { startServerProcess } from "../testing/start-server-process.ts";
import { createTestDatabase } from "../testing/test-database.ts";
import { openWorkplace, refusalOf } from "../testing/workplace.ts";
import { migrationsFolder } from "../wiring.ts";
import { backup, move, restore } from "./backup.ts";

const SALT = "a salt that only tests use";

function scratch(): Promise<string> {
  return newFolder("backup");
}

/** The environment of a server over a database and the tests' Redis. */
function served(databaseUrl: string) {
  return { DATABASE_URL: databaseUrl, REDIS_URL: inject("redisUrl"), API_KEY_SALT: SALT };
}

async function emptyDatabase() {
  const { url, drop } = await createTestDatabase("empty");
  onTestFinished(drop);
  return url;
}

async function start(env: Record<string, string>) {
  const server = await startServerProcess(env);
  onTestFinished(async () => {
    await server.end();
  });
  return server;
}

/** A bit of everything that is kept; somebody holds `login`. */
async function atWork(nexus: Pick<TestNexus, "join">) {
  const work = await openWorkplace(nexus);
  const { ana, projectId } = work;
  await work.ready("login", ["src"]);
  await work.ready("other", ["lib"], { dependsOn: ["login"] });
  await work.ready("third", ["test"]);
  const sessionId = await work.session();
  const fencingToken = await work.hold("login", sessionId);
  const { decision } = await ana.knowledge.recordDecision({
    projectId,
    title: "Redis",
    decision: 'say "no"\\n\n\u2028',
  });
  await ana.knowledge.recordDecision({ projectId, title: "Both", decision: "x", supersedes: [decision?.id ?? ""] });
  await ana.knowledge.addLearning({ projectId, text: "first" });
  await ana.knowledge.addLearning({ projectId, text: "umlauts: äöü, emoji: 🦊" });
  await ana.sessions.saveCheckpoint({ projectId, sessionId, context: "half-way", data: { a: [1, null] } });
  return { ...work, sessionId, fencingToken };
}

/** The rules that a database holds its rows to. */
async function rulesOf(url: string): Promise<readonly unknown[]> {
  const sql = postgres(url, { max: 1 });
  try {
    return await sql`select conname, pg_get_constraintdef(oid) from pg_constraint
      where connamespace = 'public'::regnamespace order by 1`;
  } finally {
    await sql.end();
  }
}

/** What a database holds, by table. Without epochs and numbers of events, which go on elsewhere. */
async function contentOf(url: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of dumpDatabase(url, SALT)) lines.push(line);
  return lines
    .slice(1, -1)
    .map((line) => line.replace(/"(epoch|event_sequence|sequence)":\d+/g, '"$1":0'))
    .sort();
}

test("a backup that is made while work goes on is restored as it was, and gives no token twice", async () => {
  const nexus = await startNexus("embedded");
  const { ana, projectId, sessionId, fencingToken, session, hold } = await atWork(nexus);
  const file = join(await scratch(), "backup.gz");
  const content = await contentOf(nexus.databaseUrl);

  const rows = await backup(served(nexus.databaseUrl), file);
  const later = await hold("third", await session());
  const { eventCursor } = await ana.events.listEvents({ projectId });
  const target = await emptyDatabase();
  const restored = await restore(served(target), file);

  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(restored).toEqual(rows);
  expect(await contentOf(target)).toEqual(content);
  expect(await rulesOf(target)).toEqual(await rulesOf(nexus.databaseUrl));
  const server = await start(served(target));
  const again = clientsFor(server.url, ana.key);
  const third = await again.sessions.openSession({ projectId, clientSessionId: "third" });
  const { claim } = await again.features.pickFeature({ projectId, slug: "third", sessionId: third.session?.id ?? "" });
  expect(claim?.fencingToken).toBeGreaterThan(later);
  await again.features.completeFeature({ projectId, slug: "login", sessionId, fencingToken });
  await again.knowledge.addLearning({ projectId, text: "the newest" });
  const { learnings } = await again.knowledge.listLearnings({ projectId });
  expect(learnings[0]?.text).toBe("the newest");
  const stream = again.events.watchEvents({ projectId, after: eventCursor })[Symbol.asyncIterator]();
  expect((await refusalOf(stream.next())).reason).toBe("EVENT_CURSOR_EXPIRED");
});

test("an embedded server is backed up while it runs, and moved to PostgreSQL when it is stopped", async () => {
  const folder = await scratch();
  const [first, second, file] = [join(folder, "first"), join(folder, "second"), join(folder, "backup.gz")];
  const server = await start({ NEXUS_DATA_DIR: first });
  const { ana, projectId, sessionId, fencingToken } = await atWork({ join: (name) => joinAs(server.url, name) });
  await backup({ NEXUS_DATA_DIR: first }, file);
  await restore({ NEXUS_DATA_DIR: second }, file);
  const salt = (await readFile(join(second, "api-key-salt"), "utf8")).trim();
  const target = await emptyDatabase();
  const env = { NEXUS_DATA_DIR: second, ...served(target), API_KEY_SALT: salt };
  const other = await start({ NEXUS_DATA_DIR: second });
  await clientsFor(other.url, ana.key).auth.getCurrentEngineer({});

  await expect(move(env)).rejects.toThrow(/another Nexus server \(process \d+\) uses the data folder/);
  await other.end();
  await expect(move({ ...env, API_KEY_SALT: "another salt altogether" })).rejects.toThrow(
    /API_KEY_SALT is not the one/,
  );
  await move(env);

  await expect(startServerProcess({ NEXUS_DATA_DIR: second })).rejects.toThrow(/is in a PostgreSQL of your own now/);
  const moved = clientsFor((await start({ ...served(target), API_KEY_SALT: salt })).url, ana.key);
  const { feature } = await moved.features.completeFeature({ projectId, slug: "login", sessionId, fencingToken });
  expect(feature?.slug).toBe("login");
});

test("a backup by an earlier version gets the tables of this one", async () => {
  const [source, target, folder] = [await emptyDatabase(), await emptyDatabase(), await scratch()];
  await cp(migrationsFolder(), folder, { recursive: true });
  const journal = join(folder, "meta", "_journal.json");
  const { entries, ...rest } = JSON.parse(await readFile(journal, "utf8"));
  await writeFile(journal, JSON.stringify({ ...rest, entries: entries.slice(0, 1) }));
  await migrate(source, folder);
  const sql = postgres(source, { max: 1 });
  onTestFinished(() => sql.end());
  await sql`insert into engineers (id, name, email, create_time) values (gen_random_uuid(), 'Ana', 'ana@example.com', now())`;
  const file = join(folder, "backup.gz");

  await backup(served(source), file);
  await restore(served(target), file);

  expect(await rulesOf(target)).toEqual(await rulesOf((await startNexus("embedded")).databaseUrl));
  expect((await contentOf(target)).filter((line) => line.includes("ana@example.com"))).toHaveLength(1);
});

test("what is damaged, cut short, of another make or in the wrong place is refused, and nothing is changed", async () => {
  const nexus = await startNexus("embedded");
  await atWork(nexus);
  const folder = await scratch();
  const file = join(folder, "backup.gz");
  await backup(served(nexus.databaseUrl), file);
  const target = await emptyDatabase();
  const text = gunzipSync(await readFile(file)).toString();
  const restoreText = async (changed: string | Buffer) => {
    const other = join(folder, "other.gz");
    await writeFile(other, typeof changed === "string" ? gzipSync(changed) : changed);
    return restore(served(target), other);
  };

  await expect(backup(served(nexus.databaseUrl), file)).rejects.toThrow(/is there already/);
  await expect(backup(served(nexus.databaseUrl), join(folder, "no-folder", "backup.gz"))).rejects.toThrow(
    /backup\.gz can't be written, and nothing of it is left: ENOENT/,
  );
  await expect(restore(served(target), join(folder, "nothing"))).rejects.toThrow(/can't be read/);
  await expect(restore(served(nexus.databaseUrl), file)).rejects.toThrow(/has tables already/);
  await expect(restore({ ...served(target), API_KEY_SALT: "another salt altogether" }, file)).rejects.toThrow(
    /API_KEY_SALT/,
  );
  await expect(restoreText("{}\n")).rejects.toThrow(/no dump of Nexus/);
  await expect(restoreText(Buffer.from("no gzip"))).rejects.toThrow(/is no backup/);
  await expect(restoreText((await readFile(file)).subarray(0, 2_000))).rejects.toThrow(
    /is no backup, or it is damaged/,
  );
  await expect(restoreText(text.split("\n").slice(0, -2).join("\n").concat("\n"))).rejects.toThrow(/cut short/);
  await expect(restoreText(text.replace("half-way", "no way"))).rejects.toThrow(/its checksum is another/);
  await expect(restoreText(text.replace(/"migrations":\[/, '"migrations":[4102444800000,'))).rejects.toThrow(
    /later version/,
  );
  await expect(
    restoreText(text.replace(/"supersededBy|"superseded_by":"[^"]*"/, '"superseded_by":"oops"')),
  ).rejects.toThrow(/damaged/);

  const sql = postgres(target, { max: 1 });
  onTestFinished(() => sql.end());
  expect(await sql`select from pg_tables where schemaname in ('public', 'drizzle')`).toHaveLength(0);
});
