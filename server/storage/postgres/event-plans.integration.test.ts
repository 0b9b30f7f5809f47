import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { EventFilter } from "../../domain/events/event.ts";
import type { EngineerId, ProjectId, Slug } from "../../domain/ids.ts";
import { planOf } from "../../testing/query-plan.ts";
import { createTestDatabase } from "../../testing/test-database.ts";
import { type Connection, connectPostgres } from "./connect.ts";
import { PostgresEventReader } from "./event-log.ts";

const PROJECTS = [randomUUID(), randomUUID()] as ProjectId[];
const ENGINEER = randomUUID() as EngineerId;

let connection: Connection;

// Two projects with a long log each, where little is of any one feature, of most engineers, and of most kinds.
beforeAll(async () => {
  const database = await createTestDatabase();
  connection = connectPostgres(database.url, 2);
  const { client } = connection;
  await client`insert into engineers (id, name, email, create_time)
    values (${ENGINEER}, 'Ana', 'ana@example.com', to_timestamp(0))`;
  for (const id of PROJECTS) {
    await client`insert into projects
      (id, slug, name, creator_id, session_ttl_ms, lock_delay_ms, shared_paths, case_sensitive, create_time)
      values (${id}, ${id}, 'Shop', ${ENGINEER}, 300000, 15000, '{}', false, to_timestamp(0))`;
    await client`insert into events (project_id, sequence, time, actor, engineer_id, feature_slug, kind, payload, size)
      select ${id}, n, to_timestamp(n), 'ana', md5((n % 50)::text)::uuid, 'feature-' || n % 500,
        case when n % 1000 = 0 then 'member' else 'claim' end, '{}', 2
      from generate_series(1, 20000) as n`;
  }
  await client`analyze`;
  return async () => {
    await connection.close();
    await database.drop();
  };
});

const ALL: EventFilter = { kinds: [], featureSlug: undefined, engineerId: undefined, since: undefined };

test.each<[string, Partial<EventFilter>, string]>([
  ["everything", {}, "events_pkey"],
  ["a feature", { featureSlug: "feature-7" as Slug }, "events_by_feature"],
  ["an engineer who does little", { engineerId: ENGINEER }, "events_by_engineer"],
  ["a rare kind", { kinds: ["member"] }, "events_by_kind"],
  ["rare kinds", { kinds: ["member", "key"] }, "events_by_kind"],
])("a page of %s is read by its own index", async (_, filter, index) => {
  const nodes = await planOf(connection, (db) =>
    new PostgresEventReader(db).list(PROJECTS[0] as ProjectId, { ...ALL, ...filter }, { size: 50, after: 100n }),
  );

  expect(nodes.filter((node) => /events/.test(node)).map((node) => node.split(" on ")[1])).toContain(index);
  expect(nodes.filter((node) => node.startsWith("Seq Scan"))).toEqual([]);
});
