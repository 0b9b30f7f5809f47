import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, realpath, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { newFolder } from "../../testing/new-folder.ts";
import { startEmbeddedPostgres } from "./postgres.ts";
import { DataDirInUseError, PostgresStartError, PostgresVersionMismatchError } from "./postgres-errors.ts";

const isRoot = process.getuid?.() === 0;

test("a new data folder becomes a private database that asks for its password", async () => {
  const dataDir = join(await newFolder("embedded"), "data");

  const { url } = await start(dataDir);

  expect(await ask(url, "select current_user as answer")).toBe("nexus");
  const wrong = new URL(url);
  wrong.password = "guessed";
  await expect(ask(wrong.href, "select 1 as answer")).rejects.toMatchObject({ code: "28P01" });
  expect((await stat(dataDir)).mode & 0o777).toBe(isRoot ? 0o711 : 0o700);
  expect((await stat(join(dataDir, "postgres/password"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(dataDir, "postgres/data"))).mode & 0o777).toBe(0o700);
});

test("text is UTF-8, and sorts and folds the same on every machine", async () => {
  const { url } = await start(await newFolder("embedded"));

  expect(await ask(url, "select lower('ÀÉ') || pg_encoding_to_char(encoding) as answer from pg_database limit 1")).toBe(
    "àéUTF8",
  );
});

test("what was written is there after a stop and a start", async () => {
  const dataDir = await newFolder("embedded");
  const first = await start(dataDir);
  await ask(first.url, "create table kept as select 'still here' as answer");
  await first.stop();

  const second = await start(dataDir);

  expect(await ask(second.url, "select answer from kept")).toBe("still here");
});

test("a second server on the same data folder is refused, and told which process has it", async () => {
  const dataDir = await newFolder("embedded");
  const other = await startInAnotherProcess(dataDir);

  const refusal = await start(dataDir).catch((error: unknown) => error);

  expect(refusal).toBeInstanceOf(DataDirInUseError);
  expect(refusal).toMatchObject({ dataDir: await realpath(dataDir), holderPid: other.process.pid });
  expect(await ask(other.url, "select 'unharmed' as answer")).toBe("unharmed");
});

test("the PostgreSQL of a server that was killed is adopted", async () => {
  const dataDir = await newFolder("embedded");
  const killed = await startInAnotherProcess(dataDir);
  await ask(killed.url, "create table kept as select pg_postmaster_start_time()::text as answer");
  killed.process.kill("SIGKILL");
  await once(killed.process, "exit");

  const { url } = await start(dataDir);

  expect(url).toBe(killed.url);
  const same = "select (answer = pg_postmaster_start_time()::text)::text as answer from kept";
  expect(await ask(url, same)).toBe("true");
});

test("of two servers that start on a new data folder at once, one serves it", async () => {
  const dataDir = await newFolder("embedded");

  const outcomes = await Promise.allSettled([start(dataDir), start(dataDir)]);

  const refusals = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  expect(refusals).toEqual([expect.any(DataDirInUseError)]);
});

test("a postmaster.pid whose process id now belongs to another program does not hinder the start", async () => {
  const dataDir = await newFolder("embedded");
  const crashed = await start(dataDir);
  await killPostgres(dataDir);
  await crashed.lost;
  const { uid, gid } = await stat(join(dataDir, "postgres/data"));
  const stranger = spawn("sleep", ["600"], { stdio: "ignore", uid, gid });
  onTestFinished(() => void stranger.kill());
  const pidFile = join(dataDir, "postgres/data/postmaster.pid");
  await writeFile(pidFile, (await readFile(pidFile, "utf8")).replace(/^\d+/, String(stranger.pid)));

  const { url } = await start(dataDir);

  expect(await ask(url, "select 'up' as answer")).toBe("up");
  expect(stranger.exitCode).toBeNull();
});

test("an initialisation that was killed half-way is begun again and cleared away", async () => {
  const dataDir = await newFolder("embedded");
  const killed = runServer(dataDir);
  await until(async () => (await readdir(dataDir)).some((name) => name.startsWith("postgres.init-")));
  killed.kill("SIGKILL");
  await once(killed, "exit");
  expect(await readdir(dataDir)).not.toContain("postgres");

  const { url } = await start(dataDir);

  expect(await ask(url, "select 'up' as answer")).toBe("up");
});

test("what a dead process left of an initialisation is removed", async () => {
  const dataDir = await newFolder("embedded");
  const ended = spawn("true");
  await once(ended, "exit");
  await mkdir(join(dataDir, `postgres.init-${ended.pid}-00000000`));

  await start(dataDir);

  expect((await readdir(dataDir)).filter((name) => name.includes("init"))).toEqual([]);
});

test("losing PostgreSQL is reported, stopping it is not", async () => {
  const stopped = await start(await newFolder("embedded"));
  const dataDir = await newFolder("embedded");
  const crashed = await start(dataDir);
  let reported = false;
  void stopped.lost.then(() => {
    reported = true;
  });

  await stopped.stop();
  await killPostgres(dataDir);

  expect((await crashed.lost).message).toContain(await realpath(dataDir));
  expect(reported).toBe(false);
});

test("data of another major version is refused, naming both", async () => {
  const dataDir = await newFolder("embedded");
  await (await start(dataDir)).stop();
  await writeFile(join(dataDir, "postgres/data/PG_VERSION"), "14\n");

  const refusal = await start(dataDir).catch((error: unknown) => error);

  expect(refusal).toBeInstanceOf(PostgresVersionMismatchError);
  expect(refusal).toMatchObject({ dataVersion: "14", binariesVersion: "18" });
});

test("a PostgreSQL that does not start is reported with the end of its log", async () => {
  const dataDir = await newFolder("embedded");
  await (await start(dataDir)).stop();
  await rm(join(dataDir, "postgres/data/global/pg_control"));

  const refusal = await start(dataDir).catch((error: unknown) => error);

  expect(refusal).toBeInstanceOf(PostgresStartError);
  expect((refusal as PostgresStartError).logTail).toContain("pg_control");
});

test("below a folder that only root may enter, root's database lies in /var/lib/nexus; anybody else's stays", async () => {
  const home = await newFolder("embedded");
  await chmod(home, 0o700);
  const dataDir = join(home, "share/nexus");

  const { url } = await start(dataDir);

  const cluster = await realpath(join(dataDir, "postgres"));
  onTestFinished(async () => {
    await rm(cluster, { recursive: true, force: true });
    // Gone, too, unless somebody else's database lies there.
    await rmdir(dirname(cluster)).catch(() => {});
  });
  expect(await ask(url, "select current_setting('data_directory') as answer")).toBe(join(cluster, "data"));
  expect(cluster.startsWith(isRoot ? "/var/lib/nexus/" : home)).toBe(true);
  expect((await stat(home)).mode & 0o777).toBe(0o700);
});

async function start(dataDir: string) {
  const server = await startEmbeddedPostgres({ dataDir, durable: false });
  onTestFinished(() => server.stop());
  return server;
}

/** A server of its own process, which can be killed. */
async function startInAnotherProcess(dataDir: string): Promise<{ process: ChildProcess; url: string }> {
  const child = runServer(dataDir);
  for await (const line of createInterface(child.stdout)) {
    return { process: child, url: line };
  }
  throw new Error("the server ended before it was ready");
}

function runServer(dataDir: string) {
  const launcher = JSON.stringify(new URL("./postgres.ts", import.meta.url).href);
  const script = `
    import { startEmbeddedPostgres } from ${launcher};
    const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, durable: false });
    console.log(server.url);
    process.on("SIGTERM", () => server.stop().then(() => process.exit()));
    setInterval(() => {}, 60_000);`;
  const flags = ["--no-warnings", "--experimental-transform-types", "--input-type=module", "--eval", script];
  const child = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  });
  return child;
}

async function killPostgres(dataDir: string): Promise<void> {
  const pidFile = await readFile(join(dataDir, "postgres/data/postmaster.pid"), "utf8");
  process.kill(Number.parseInt(pidFile, 10), "SIGKILL");
}

async function ask(url: string, question: string): Promise<unknown> {
  const sql = postgres(url, { max: 1 });
  try {
    const [row] = await sql.unsafe<{ answer: unknown }[]>(question);
    return row?.answer;
  } finally {
    await sql.end();
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await pause(5);
  }
}
