import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { startNexus } from "./testing/start-nexus.ts";
import { openWorkplace } from "./testing/workplace.ts";

test("a call whose caller has given up before anything was done does nothing", async () => {
  const nexus = await startNexus("embedded");
  const { ana, projectId } = await openWorkplace(nexus);
  const sql = postgres(nexus.databaseUrl, { max: 2, onnotice: () => {} });
  onTestFinished(() => sql.end());
  const caller = new AbortController();
  const metrics = async () => (await fetch(`${nexus.url}/metrics`)).text();
  const waiting = async () => {
    const found = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return found.length;
  };

  await sql.begin(async (transaction) => {
    // Nobody can find out who is a member of what.
    await transaction`lock table project_members in access exclusive mode`;
    const call = ana.knowledge.addLearning({ projectId, text: "too late" }, { signal: caller.signal });
    await expect.poll(waiting).toBe(1);
    caller.abort();
    await expect(call).rejects.toThrow(/canceled|aborted/);
    // The server hears of it before it hears of these.
    for (let n = 0; n < 3; n++) await fetch(`${nexus.url}/health`);
  });

  await expect
    .poll(metrics)
    .toMatch(/nexus_rpc_duration_seconds_count\{method="KnowledgeService\/AddLearning",code="canceled"\} 1/);
  expect((await ana.knowledge.listLearnings({ projectId })).learnings).toEqual([]);
  await ana.knowledge.addLearning({ projectId, text: "in time" });
  expect((await ana.knowledge.listLearnings({ projectId })).learnings).toHaveLength(1);
});
