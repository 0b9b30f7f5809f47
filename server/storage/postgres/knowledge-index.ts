import { desc, eq, type SQL, sql } from "drizzle-orm";
import type { ProjectId, Slug } from "../../domain/ids.ts";
import type { KnowledgeKind } from "../../domain/knowledge/knowledge.ts";
import type {
  Found,
  FoundKey,
  KnowledgeIndex,
  KnowledgeQuery,
  TouchingFeature,
} from "../../domain/knowledge/knowledge-store.ts";
import { type Page, type PageRequest, pageOf } from "../../domain/page.ts";
import type { Queryable } from "./connect.ts";
import { features } from "./schema/index.ts";
import { SEPARATORS, type SearchQuery, searchQuery } from "./search-words.ts";

/**
 * Matches of each kind that are ranked, the latest first. Ranking reads every match whole; beyond so many, a query says
 * so little that what is recent is as good an answer.
 */
const MAX_RANKED = 300;
/** Characters of a title that is taken from a text's first line. */
const MAX_TITLE = 120;

/** What each kind is kept in. */
const KINDS: Readonly<
  Record<KnowledgeKind, { table: SQL; slug: SQL; title: SQL; body: SQL; engineer: SQL | undefined }>
> = {
  learning: {
    table: sql.raw("learnings"),
    slug: sql.raw("feature_slug"),
    title: firstLineOf("text"),
    body: sql.raw("text"),
    engineer: sql.raw("engineer_id"),
  },
  decision: {
    table: sql.raw("decisions"),
    slug: sql.raw("feature_slug"),
    title: sql.raw("title"),
    body: sql.raw(`title || ': ' || decision || ' ' || rationale || ' ' || alternatives || ' ' || consequences`),
    engineer: sql.raw("engineer_id"),
  },
  checkpoint: {
    table: sql.raw("checkpoints"),
    slug: sql.raw("feature_slug"),
    title: firstLineOf("context"),
    body: sql.raw("context"),
    engineer: sql.raw("(select s.engineer_id from sessions s where s.id = session_id)"),
  },
  spec: {
    table: sql.raw("features"),
    slug: sql.raw("slug"),
    title: sql.raw(`coalesce(nullif(title, ''), slug)`),
    body: sql.raw(`title || ': ' || spec`),
    engineer: undefined,
  },
};

/** A row of what was found. */
interface FoundRow extends Record<string, unknown> {
  readonly kind: KnowledgeKind;
  readonly id: string;
  readonly feature_slug: string;
  readonly create_time: string | Date;
  readonly rank: number;
  readonly title: string;
  readonly highlight: string;
}

/** Full-text search in PostgreSQL. */
export class PostgresKnowledgeIndex implements KnowledgeIndex {
  constructor(private readonly db: Queryable) {}

  async search(
    projectId: ProjectId,
    query: KnowledgeQuery,
    page: PageRequest<FoundKey>,
  ): Promise<Page<Found, FoundKey>> {
    const words = query.text === undefined ? undefined : searchQuery(query.text);
    // Asked for words, none of which can be searched for.
    if (query.text !== undefined && words === undefined) return { items: [], next: undefined };
    const rows = await this.db.execute<FoundRow>(searchStatement(projectId, query, words, page));
    const found = rows.map((row) => ({
      kind: row.kind,
      id: row.id,
      featureSlug: row.feature_slug === "" ? undefined : (row.feature_slug as Slug),
      title: row.title,
      highlight: row.highlight,
      rank: row.rank,
      createTime: new Date(row.create_time),
    }));
    return pageOf(found, page.size, ({ rank, createTime, id }) => ({ rank, createTime, id }));
  }

  async listTouching(projectId: ProjectId, limit: number): Promise<TouchingFeature[]> {
    return this.touching(eq(features.projectId, projectId), limit);
  }

  async listTouchingKnown(projectId: ProjectId, limit: number): Promise<TouchingFeature[]> {
    const known = sql`${features.slug} in (
      select feature_slug from learnings where project_id = ${projectId}
      union select feature_slug from decisions where project_id = ${projectId} and superseded_by is null)`;
    return this.touching(sql`${features.projectId} = ${projectId} and ${known}`, limit);
  }

  private async touching(where: SQL, limit: number): Promise<TouchingFeature[]> {
    const rows = await this.db
      .select({ slug: features.slug, touches: features.touches })
      .from(features)
      .where(where)
      .orderBy(desc(features.createTime))
      .limit(limit);
    return rows.map((row) => ({ ...row, slug: row.slug as Slug }));
  }
}

/**
 * The matches of each kind by its own index, ranked together, and of the page that is asked for the texts.
 *
 * @param words undefined for everything that the filters let through
 */
export function searchStatement(
  projectId: ProjectId,
  query: KnowledgeQuery,
  words: SearchQuery | undefined,
  page: PageRequest<FoundKey>,
): SQL {
  const { size, after } = page;
  const kinds = query.kinds.filter((kind) => query.author === undefined || KINDS[kind].engineer !== undefined);
  const branches = kinds.map((kind) => matchesOf(kind, projectId, query, words, page));
  const texts = kinds.map((kind) => {
    const { table, title, body } = KINDS[kind];
    return sql`select ${title} as title, ${body} as body from ${table} where page.kind = ${kind} and id = page.id`;
  });
  // With no kind left nothing is found, but the statement stands.
  const none = sql`select null::text, null::uuid, null::text, null::timestamptz, null::float8 where false`;
  const noText = sql`select null::text as title, null::text as body where false`;
  const beyond =
    after &&
    sql`where (rank, create_time, id) < (${after.rank}::float8, ${after.createTime.toISOString()}::timestamptz, ${after.id}::uuid)`;
  return sql`
    with query as materialized (select ${queriesOf(projectId, words)}), page as (
      select * from (${sql.join(branches.length > 0 ? branches : [none], sql` union all `)})
        as found (kind, id, feature_slug, create_time, rank)
      ${beyond} order by rank desc, create_time desc, id desc limit ${size + 1})
    select page.*, title, ${highlightOf(words)} as highlight
    from page cross join lateral (${sql.join(texts.length > 0 ? texts : [noText], sql` union all `)}) as texts
    ${placesOf(words)} order by rank desc, create_time desc, id desc`;
}

function matchesOf(
  kind: KnowledgeKind,
  projectId: ProjectId,
  { featureSlugs, author, since }: KnowledgeQuery,
  words: SearchQuery | undefined,
  { size, after }: PageRequest<FoundKey>,
): SQL {
  const { table, slug, engineer } = KINDS[kind];
  const where = [sql`project_id = ${projectId}`];
  if (words !== undefined) where.push(sql`search @@ (select matching from query)`);
  if (featureSlugs !== undefined) {
    // One parameter, however many there are. Slugs need no quotes.
    where.push(sql`${slug} = any(${`{${featureSlugs.join()}}`}::text[])`);
  }
  if (author !== undefined && engineer !== undefined) {
    where.push(sql`${engineer} = (select e.id from engineers e where lower(e.email) = lower(${author}::text))`);
  }
  if (since !== undefined) where.push(sql`create_time >= ${since.toISOString()}::timestamptz`);
  // Nothing is ranked without words, so each page goes on where the one before ended, however many there are.
  if (words === undefined && after !== undefined) {
    where.push(sql`(create_time, id) < (${after.createTime.toISOString()}::timestamptz, ${after.id}::uuid)`);
  }
  const most = words === undefined ? size + 1 : MAX_RANKED;
  // The words of a row are fetched for those that are ranked only: sorting with them costs as much as all the rest.
  const rank =
    words === undefined
      ? sql`0::float8`
      : sql`ts_rank((select r.search from ${table} r where r.id = latest.id), (select ranking from query), 1)::float8`;
  return sql`(select ${kind}::text, id, slug, create_time, ${rank} from (
    select id, ${slug} as slug, create_time from ${table} where ${sql.join(where, sql` and `)}
    order by create_time desc, id desc limit ${most}) latest)`;
}

/**
 * What is asked, worked out once. Not known to the planner, which therefore takes matches for few and reads the index:
 * knowing that a word is common it would read the whole table, since it does not count what it costs to fetch each row's
 * words from where large values are kept.
 */
function queriesOf(projectId: ProjectId, words: SearchQuery | undefined): SQL {
  if (words === undefined) return sql`null::tsquery as matching`;
  const { match, marked } = words;
  const places = sql`to_tsvector('simple', ${marked.join(" ")}) || to_tsvector('english', ${marked.join(" ")})`;
  // Of words that no index holds, such as one that is too long, an empty query is left: it matches nothing, not all.
  return sql`${`'${projectId}'`}::tsquery && nullif(${queryOf(match)}, ''::tsquery) as matching, ${queryOf(match)} as ranking,
    ${queryOf(marked.join(" or "))} as marking, (tsvector_to_array(${places}))[1:${sql.raw(String(MAX_PLACES))}] as places`;
}

/** Both as it stands and by English stems, like what is searched. */
function queryOf(words: string): SQL {
  return sql`(websearch_to_tsquery('simple', ${words}) || websearch_to_tsquery('english', ${words}))`;
}

/** Marking words takes as long as the text is, so only a part of it is looked at: around the first of so many words. */
const MAX_PLACES = 8;
const BEFORE_PLACE = 150;
const AROUND_PLACE = 600;
/** What is shown where no word was asked for. */
const START_OF_TEXT = 200;

/**
 * Control characters, which no stored text has, stand in for the separators while the words are looked for, so that they
 * are parted as they are in the index and yet come out as they were written.
 */
const CONTROLS = Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1)).filter((c) => !/\s/.test(c));
const STAND_INS = CONTROLS.slice(0, [...SEPARATORS].length).join("");

const HEADLINE =
  'StartSel=**, StopSel=**, MaxFragments=2, MaxWords=24, MinWords=8, ShortWord=0, FragmentDelimiter=" … "';

function highlightOf(words: SearchQuery | undefined): SQL {
  if (words === undefined) return sql`left(body, ${START_OF_TEXT})`;
  const around = sql`substr(body, greatest(place - ${BEFORE_PLACE}, 1), ${AROUND_PLACE})`;
  // Not from the middle of a word.
  const whole = sql`case when place > ${BEFORE_PLACE} + 1 then regexp_replace(${around}, '^\\S{0,60}\\s+', '') else ${around} end`;
  const parted = sql`translate(${whole}, ${SEPARATORS}, ${STAND_INS})`;
  const marked = sql`ts_headline('english', ${parted}, (select marking from query), ${HEADLINE})`;
  return sql`translate(${marked}, ${STAND_INS}, ${SEPARATORS})`;
}

/** Where the first of the words, or of their stems, stands in each text. */
function placesOf(words: SearchQuery | undefined): SQL {
  if (words === undefined) return sql``;
  return sql`cross join lateral (
    select coalesce(min(nullif(strpos(lowered, word), 0)), 1) as place
    from (select lower(body) as lowered offset 0) as text, (select unnest(places) as word from query) as words) as found_at`;
}

function firstLineOf(column: string): SQL {
  return sql.raw(`left(split_part(${column}, E'\\n', 1), ${MAX_TITLE})`);
}
