import { randomUUID } from "node:crypto";
import type postgres from "postgres";

/** How much is known in a project. */
export interface CorpusSize {
  readonly features: number;
  readonly learnings: number;
  readonly decisions: number;
  readonly checkpoints: number;
}

/** A thousand features and ten thousand entries. */
export const LARGE_CORPUS: CorpusSize = { features: 1_000, learnings: 6_000, decisions: 2_000, checkpoints: 2_000 };

const FOLDERS = 50;
const VOCABULARY = 20_000;
const AT_ONCE = 200;

/** The word of that rank: the lower, the more often it is used. */
export function corpusWord(rank: number): string {
  const syllables = ["ba", "ko", "mi", "tu", "re", "sa", "lo", "ni", "ve", "du"];
  return `${[...String(rank + 1_000)].map((digit) => syllables[Number(digit)]).join("")}`;
}

/** The file that the feature of that number touches first. */
export function corpusPath(number: number): string {
  return `packages/p${number % FOLDERS}/src/m${number % 10}/f${number}.ts`;
}

/** Fills a project as years of work would: texts of 20 to 200 words, used as unevenly as in any language. */
export async function fillCorpus(
  sql: postgres.Sql,
  projectId: string,
  engineerId: string,
  size: CorpusSize,
): Promise<void> {
  const random = randomNumbers(1);
  const text = (words: number) =>
    Array.from({ length: words }, () => corpusWord(Math.floor(VOCABULARY ** random()) - 1)).join(" ");
  const someText = () => text(20 + Math.floor(180 * random() ** 2));
  const slug = () => `feature-${Math.floor(random() * size.features)}`;
  const time = (number: number) => new Date(Date.UTC(2026, 0, 1) + number * 60_000);
  const sessionId = randomUUID();
  await sql`insert into sessions ${sql({
    id: sessionId,
    project_id: projectId,
    engineer_id: engineerId,
    client_session_id: `corpus-${sessionId}`,
    agent: "claude",
    host: "",
    worktree: "",
    branch: "",
    state: "closed",
    open_time: time(0),
    end_time: time(1),
  })}`;
  const common = (number: number) => ({ id: randomUUID(), project_id: projectId, create_time: time(number) });
  await fill(sql, "features", size.features, (number) => ({
    ...common(number),
    slug: `feature-${number}`,
    title: text(6),
    spec: someText(),
    status: number % 3 === 0 ? "done" : "ready",
    lane: 1 + (number % 4),
    position: number,
    touches: sql.json([
      { path: corpusPath(number), mode: "exclusive" },
      { path: corpusPath(number + 1), mode: "exclusive" },
      { path: `packages/p${number % FOLDERS}/docs/d${number}/*.md`, mode: "exclusive" },
    ]),
    update_time: time(number),
  }));
  await fill(sql, "learnings", size.learnings, (number) => ({
    ...common(number),
    feature_slug: slug(),
    text: someText(),
    engineer_id: engineerId,
    agent: "claude",
  }));
  await fill(sql, "decisions", size.decisions, (number) => ({
    ...common(number),
    feature_slug: number % 20 === 0 ? "" : slug(),
    title: text(6),
    decision: someText(),
    rationale: someText(),
    alternatives: "",
    consequences: "",
    engineer_id: engineerId,
    agent: "claude",
  }));
  await fill(sql, "checkpoints", size.checkpoints, (number) => ({
    ...common(number),
    session_id: sessionId,
    feature_slug: slug(),
    context: someText(),
    data: "",
    branch: "main",
    commit: "4f2a9c1",
    changed_paths: [corpusPath(number)],
    fencing_token: number,
    held_touches: sql.json([]),
  }));
}

async function fill(
  sql: postgres.Sql,
  table: string,
  count: number,
  rowOf: (number: number) => Record<string, unknown>,
) {
  for (let first = 0; first < count; first += AT_ONCE) {
    const rows = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => rowOf(first + index));
    await sql`insert into ${sql(table)} ${sql(rows as Record<string, string>[])}`;
  }
}

/** Numbers from 0 up to 1, the same ones every time. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
