import postgres from "postgres";
import { beforeAll, expect, test } from "vitest";
import type { ProjectId, SessionId, Slug } from "../../domain/ids.ts";
import { KNOWLEDGE_KINDS } from "../../domain/knowledge/knowledge.ts";
import { corpusWord, fillCorpus } from "../../testing/knowledge-corpus.ts";
import { plan, planOf } from "../../testing/query-plan.ts";
import { createTestDatabase } from "../../testing/test-database.ts";
import { PostgresCheckpointStore } from "./checkpoint-store.ts";
import { type Connection, connectPostgres } from "./connect.ts";
import { PostgresDecisionStore } from "./decision-store.ts";
import { searchStatement } from "./knowledge-index.ts";
import { PostgresLearningStore } from "./learning-store.ts";
import { searchQuery } from "./search-words.ts";

const PROJECT = "11111111-1111-4111-8111-111111111111" as ProjectId;
const OTHER = "22222222-2222-4222-8222-222222222222";
const ENGINEER = "33333333-3333-4333-8333-333333333333";
const ALL = { kinds: KNOWLEDGE_KINDS, featureSlugs: undefined, author: undefined, since: undefined };

let connection: Connection;

/** Enough for the planner to prefer an index to reading everything; `make bench-knowledge` has more. */
const SIZE = { features: 500, learnings: 1_500, decisions: 500, checkpoints: 500 };

// Two projects of that size, so that what concerns one is not simply everything there is.
beforeAll(async () => {
  const database = await createTestDatabase();
  const client = postgres(database.url, { max: 1, onnotice: () => {} });
  const time = new Date("2026-01-01");
  await client`insert into engineers ${client({ id: ENGINEER, name: "Ana", email: "ana@example.com", create_time: time })}`;
  for (const id of [PROJECT, OTHER]) {
    await client`insert into projects ${client({
      id,
      slug: id,
      name: "Shop",
      creator_id: ENGINEER,
      session_ttl_ms: 300_000,
      lock_delay_ms: 15_000,
      shared_paths: [],
      case_sensitive: false,
      create_time: time,
    })}`;
    await fillCorpus(client, id, ENGINEER, SIZE);
  }
  await client`analyze`;
  await client.end();
  connection = connectPostgres(database.url, 2);
  return async () => {
    await connection.close();
    await database.drop();
  };
});

function search(text: string) {
  const words = searchQuery(text);
  return plan(connection, searchStatement(PROJECT, { ...ALL, text }, words, { size: 50, after: undefined }));
}

test.each([
  ["a rare word", corpusWord(9_000)],
  ["the commonest word", corpusWord(0)],
  ["a common and a rare word", `${corpusWord(3)} ${corpusWord(5_000)}`],
  ["a phrase", `"${corpusWord(10)} ${corpusWord(200)}"`],
  ["either of two words", `${corpusWord(4_000)} or ${corpusWord(7_000)}`],
])("a search for %s reads each kind by its own index, and nothing from end to end", async (_, text) => {
  const nodes = await search(text);

  for (const index of ["learnings_search", "decisions_search", "checkpoints_search", "features_search"]) {
    expect(nodes).toContain(`Bitmap Index Scan on ${index}`);
  }
  expect(nodes.filter((node) => node.startsWith("Seq Scan"))).toEqual([]);
});

test("what is known about some features is read by those features", async () => {
  const statement = searchStatement(
    PROJECT,
    { ...ALL, text: undefined, featureSlugs: ["feature-1", "feature-2"] as Slug[] },
    undefined,
    { size: 50, after: undefined },
  );

  expect((await plan(connection, statement)).filter((node) => node.startsWith("Seq Scan"))).toEqual([]);
});

test("lists, the latest checkpoint and what concerns a feature are read by their indexes", async () => {
  const page = { size: 50, after: 100_000 };
  const slug = "feature-7" as Slug;
  const concern = { featureSlug: slug, sharing: ["feature-8" as Slug] };
  const plans = {
    learnings: await planOf(connection, (db) => new PostgresLearningStore(db).list(PROJECT, undefined, page)),
    "learnings of a feature": await planOf(connection, (db) => new PostgresLearningStore(db).list(PROJECT, slug, page)),
    "decisions in force": await planOf(connection, (db) =>
      new PostgresDecisionStore(db).list(PROJECT, { featureSlug: undefined, includeSuperseded: false }, page),
    ),
    "all decisions of a feature": await planOf(connection, (db) =>
      new PostgresDecisionStore(db).list(PROJECT, { featureSlug: slug, includeSuperseded: true }, page),
    ),
    "learnings that concern": await planOf(connection, (db) =>
      new PostgresLearningStore(db).listConcerning(PROJECT, concern, 100),
    ),
    "decisions that concern": await planOf(connection, (db) =>
      new PostgresDecisionStore(db).listConcerning(PROJECT, concern, 100),
    ),
    "checkpoint of a feature": await planOf(connection, (db) =>
      new PostgresCheckpointStore(db).latest(PROJECT, { featureSlug: slug }),
    ),
    "checkpoint of a session": await planOf(connection, (db) =>
      new PostgresCheckpointStore(db).latest(PROJECT, { sessionId: ENGINEER as SessionId }),
    ),
  };

  for (const [what, nodes] of Object.entries(plans)) {
    const whole = nodes.filter((node) => /^Seq Scan on (learnings|decisions|checkpoints|features)/.test(node));
    expect([what, whole]).toEqual([what, []]);
  }
});
