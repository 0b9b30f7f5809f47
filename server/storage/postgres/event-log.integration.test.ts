import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { ResourceNotFoundError } from "../../domain/errors.ts";
import { byNexus, type Event, type NewEvent } from "../../domain/events/event.ts";
import type { EngineerId, ProjectId, Slug } from "../../domain/ids.ts";
import type { Page } from "../../domain/page.ts";
import { createTestDatabase } from "../../testing/test-database.ts";
import { connectPostgres } from "./connect.ts";
import { PostgresDatabase } from "./database.ts";

const DAY_1 = new Date("2026-01-01T00:00:00Z");
const DAY_2 = new Date("2026-01-02T00:00:00Z");

/** A database with two projects, that tells of its commits. */
async function start() {
  const { url, drop } = await createTestDatabase();
  const told: [ProjectId, bigint][] = [];
  const connection = connectPostgres(url, 6);
  const database = new PostgresDatabase(connection, { publish: (...hint) => told.push(hint) });
  onTestFinished(async () => {
    await database.close();
    await drop();
  });
  const creatorId = randomUUID() as EngineerId;
  const ids = [randomUUID(), randomUUID()].sort() as [ProjectId, ProjectId];
  await database.transact(async (tx) => {
    await tx.engineers.insert({ id: creatorId, name: "Ana", email: "ana@example.com", createTime: DAY_1 });
    for (const [index, id] of ids.entries()) {
      const settings = { sessionTtlMs: 300_000, lockDelayMs: 15_000, sharedPaths: [], caseSensitive: false };
      const project = { id, slug: `shop-${index}` as Slug, name: "Shop", creatorId, settings, version: 1, epoch: 1 };
      await tx.projects.insert({ ...project, createTime: DAY_1 });
    }
  });
  return {
    database,
    client: connection.client,
    events: database.read.events,
    told,
    projectId: ids[0],
    otherId: ids[1],
  };
}

/** An event that a test knows again by its agent. */
function eventOf(projectId: ProjectId, agent: string, time = DAY_1): NewEvent {
  return { ...byNexus(), projectId, time, payload: { kind: "session", state: "open", agent } };
}

async function agentsOf(database: PostgresDatabase, projectId: ProjectId, after = 0n): Promise<string[]> {
  const found = await database.read.events.after(projectId, after, 100);
  return found.map(({ sequence, payload }) => `${sequence} ${payload.kind === "session" ? payload.agent : ""}`);
}

test("of two transactions the one that commits first has the lower sequences, whichever began first", async () => {
  const { database, events, projectId } = await start();
  const slow = { hasAppended: Promise.withResolvers<void>(), mayCommit: Promise.withResolvers<void>() };

  const early = database.transact(async (tx) => {
    tx.events.append(eventOf(projectId, "began first"));
    slow.hasAppended.resolve();
    await slow.mayCommit.promise;
  });
  await slow.hasAppended.promise;
  await database.transact(async (tx) => tx.events.append(eventOf(projectId, "began second")));
  expect(await agentsOf(database, projectId)).toEqual(["1 began second"]);
  slow.mayCommit.resolve();
  await early;

  expect(await agentsOf(database, projectId)).toEqual(["1 began second", "2 began first"]);
  expect(await agentsOf(database, projectId, 1n)).toEqual(["2 began first"]);
  expect(await events.extent(projectId)).toEqual({ oldest: 1n, latest: 2n });
});

test("many transactions at once number their events without a gap, and those of one lie side by side", async () => {
  const { database, told, projectId, otherId } = await start();

  await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      database.transact(async (tx) => {
        tx.events.append(eventOf(projectId, `${n}a`), eventOf(otherId, `${n}`), eventOf(projectId, `${n}b`));
      }),
    ),
  );

  const agents = await agentsOf(database, projectId);
  expect(agents.map((line) => Number(line.split(" ")[0]))).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
  for (let at = 0; at < agents.length; at += 2) {
    expect(agents[at + 1]?.split(" ")[1]).toBe(agents[at]?.split(" ")[1]?.replace("a", "b"));
  }
  expect(await database.read.events.latest([projectId, otherId])).toEqual(
    new Map([
      [projectId, 60n],
      [otherId, 30n],
    ]),
  );
  expect(told.filter(([id]) => id === otherId).map(([, latest]) => latest)).toHaveLength(30);
});

test("a page ends where its payloads are large, and the next goes on behind it", async () => {
  const { database, client, projectId } = await start();
  const large = (n: number) => eventOf(projectId, `${n}`.padEnd(80_000, "."));
  await database.transact(async (tx) => tx.events.append(...Array.from({ length: 30 }, (_, n) => large(n))));
  // Some are of a server that did not note sizes yet.
  await client`update events set size = null where sequence > 20`;

  const read: Record<"after" | "list", number[][]> = { after: [], list: [] };
  for (let after = 0n; after < 30n; ) {
    const page = await database.read.events.after(projectId, after, 500);
    read.after.push(page.map(({ sequence }) => Number(sequence)));
    after = page.at(-1)?.sequence ?? 30n;
  }
  const filter = { kinds: [], featureSlug: undefined, engineerId: undefined, since: undefined };
  for (let after: bigint | undefined = 0n; after !== undefined; ) {
    const page: Page<Event, bigint> = await database.read.events.list(projectId, filter, { size: 500, after });
    read.list.push(page.items.map(({ sequence }) => Number(sequence)));
    after = page.next;
  }

  for (const pages of [read.after, read.list]) {
    expect(pages.map((page) => page.length)).toEqual([14, 14, 2]);
    expect(pages.flat()).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
  }
});

test("a transaction that fails leaves no event, no gap, and tells nobody", async () => {
  const { database, told, projectId } = await start();

  const failing = database.transact(async (tx) => {
    tx.events.append(eventOf(projectId, "never"));
    throw new Error("on purpose");
  });
  await expect(failing).rejects.toThrow("on purpose");
  await database.transact(async (tx) => tx.events.append(eventOf(projectId, "real")));

  expect(await agentsOf(database, projectId)).toEqual(["1 real"]);
  expect(told).toEqual([[projectId, 1n]]);
});

test("what is appended comes back as it was, with tokens and times in digits", async () => {
  const { database, events, projectId } = await start();
  const payload = {
    kind: "claim",
    change: "forced",
    claimId: randomUUID(),
    sessionId: randomUUID(),
    fencingToken: 2n ** 53n - 1n,
    touches: [{ path: 'a "quoted"/π.ts', mode: "shared" }],
    reason: "line\nbreak",
  } as unknown as NewEvent["payload"];
  const engineerId = randomUUID() as EngineerId;

  await database.transact(async (tx) => {
    tx.events.append({ actor: "Ana", engineerId, projectId, time: DAY_2, featureSlug: "login" as Slug, payload });
  });

  const [event] = await events.after(projectId, 0n, 10);
  expect(event).toEqual({
    sequence: 1n,
    actor: "Ana",
    engineerId,
    projectId,
    time: DAY_2,
    sessionId: undefined,
    featureSlug: "login",
    payload: { ...payload, fencingToken: "9007199254740991" },
  });
});

test("an event of a project that is gone fails its transaction as not found", async () => {
  const { database } = await start();

  const late = database.transact(async (tx) => tx.events.append(eventOf(randomUUID() as ProjectId, "late")));

  await expect(late).rejects.toThrow(ResourceNotFoundError);
});

test("a snapshot sees nothing that is committed while it is read", async () => {
  const { database, projectId } = await start();

  const [before, then] = await database.snapshot(async (read) => {
    const first = await read.events.latest([projectId]);
    await database.transact(async (tx) => tx.events.append(eventOf(projectId, "meanwhile")));
    return [first, await read.events.latest([projectId])];
  });

  expect(then).toEqual(before);
  expect(await agentsOf(database, projectId)).toEqual(["1 meanwhile"]);
});

test("old events are forgotten from the beginning on, a bounded number at a time, and numbering goes on", async () => {
  const { database, events, projectId, otherId } = await start();
  const times = [DAY_1, DAY_1, DAY_1, DAY_2, DAY_1, DAY_2];
  await database.transact(async (tx) => {
    for (const [index, time] of times.entries()) tx.events.append(eventOf(projectId, String(index + 1), time));
    tx.events.append(eventOf(otherId, "old"));
  });

  await database.forgetEvents(DAY_2, 2);
  expect(await events.extent(projectId)).toEqual({ oldest: 3n, latest: 6n });
  await database.forgetEvents(DAY_2, 2);
  // The fifth is old as well, by another server's clock; without it there would be a hole.
  expect(await agentsOf(database, projectId)).toEqual(["4 4", "5 5", "6 6"]);
  expect(await events.extent(otherId)).toEqual({ oldest: 2n, latest: 1n });

  await database.forgetEvents(new Date(DAY_2.getTime() + 1), 100);
  await database.transact(async (tx) => tx.events.append(eventOf(projectId, "new")));
  expect(await agentsOf(database, projectId)).toEqual(["7 new"]);
});

test("the first event since a time is found, whatever the clocks of the servers said before", async () => {
  const { database, events, projectId } = await start();
  await database.transact(async (tx) => {
    for (const time of [DAY_1, DAY_2, DAY_1, DAY_2]) tx.events.append(eventOf(projectId, "", time));
  });

  expect(await events.firstSince(projectId, DAY_1)).toBe(1n);
  expect(await events.firstSince(projectId, DAY_2)).toBe(2n);
  expect(await events.firstSince(projectId, new Date(DAY_2.getTime() + 1))).toBeUndefined();
});
