import { expect, inject, onTestFinished, test } from "vitest";
import { newFolder } from "../new-folder.ts";
import { createTestDatabase } from "../test-database.ts";
import { ACTIONS } from "./cell.ts";
import { formatMatrix, planOf, runMatrix } from "./run-matrix.ts";
import { SCENARIOS } from "./scenarios.ts";
import { embeddedSite, type ProcessSite, servedSite } from "./sites.ts";

/** `make crash-matrix ONLY=take-over` runs the scenarios and steps that this is a part of. */
const only = process.env["ONLY"] ?? "";
const scenarios = SCENARIOS.flatMap((scenario) => {
  const steps = scenario.steps.filter((step) => `${scenario.name} ${step}`.includes(only));
  return steps.length === 0 ? [] : [{ ...scenario, steps }];
});

/** Sites at work at a time. */
const SITES = 3;

/** Two servers over a database of their own, so that no reconciler looks after another site's projects. */
async function openServed(): Promise<ProcessSite> {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  return servedSite({ DATABASE_URL: url, REDIS_URL: inject("redisUrl"), API_KEY_SALT: "a salt that only tests use" });
}

async function openEmbedded(): Promise<ProcessSite> {
  return embeddedSite(await newFolder("crash"));
}

test.each([
  { stores: "two servers over PostgreSQL and Redis", open: openServed, actions: ACTIONS },
  // A caller who is cut off, or waits too long, meets nothing there that depends on the stores.
  { stores: "one server with embedded stores", open: openEmbedded, actions: ["kill", "throw"] as const },
])("$stores: whatever goes wrong at any step, the retry is answered right and the stores agree", async (deployment) => {
  const sites = await Promise.all(
    Array.from({ length: SITES }, async () => {
      const site = await deployment.open();
      onTestFinished(() => site.close());
      return site;
    }),
  );
  const start = performance.now();
  const results = await runMatrix(sites, planOf(scenarios, deployment.actions));

  const seconds = Math.round((performance.now() - start) / 1_000);
  console.info(`${deployment.stores}, ${seconds} s\n${formatMatrix(results)}`);
  expect(results.filter(({ complaint }) => complaint !== undefined)).toEqual([]);
});
