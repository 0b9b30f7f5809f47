import { type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import type { Connection } from "../storage/postgres/connect.ts";

/** The nodes of a plan, as "Seq Scan on learnings" or "Bitmap Index Scan on learnings_search". */
export async function plan({ db }: Pick<Connection, "db">, statement: SQL): Promise<string[]> {
  const [row] = await db.execute<{ "QUERY PLAN": { Plan: PlanNode }[] }>(sql`explain (format json) ${statement}`);
  const nodes: string[] = [];
  const visit = (node: PlanNode) => {
    const of = node["Index Name"] ?? node["Relation Name"];
    if (of !== undefined) nodes.push(`${node["Node Type"]} on ${of}`);
    for (const child of node.Plans ?? []) visit(child);
  };
  for (const { Plan } of row?.["QUERY PLAN"] ?? []) visit(Plan);
  return nodes;
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Index Name"?: string;
  readonly "Relation Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

/** The plan of what a call sends, which is intercepted and not made. */
export async function planOf(
  connection: Connection,
  call: (db: Connection["db"]) => Promise<unknown>,
): Promise<string[]> {
  let statement: { sql: string; params: unknown[] } | undefined;
  const spy = drizzle(connection.client, {
    logger: {
      logQuery(text, params) {
        statement ??= { sql: text, params };
      },
    },
  });
  await call(spy as Connection["db"]);
  if (statement === undefined) throw new Error("nothing was asked");
  const { sql: text, params } = statement;
  const chunks = text.split(/\$\d+/);
  return plan(
    connection,
    sql.join(
      chunks.flatMap((chunk, index) => (index === 0 ? [sql.raw(chunk)] : [sql`${params[index - 1]}`, sql.raw(chunk)])),
    ),
  );
}
