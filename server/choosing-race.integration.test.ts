import { setTimeout as pause } from "node:timers/promises";
import { expect, inject, onTestFinished, test } from "vitest";
import { type ApiClients, clientsFor, joinAs, startNexus } from "./testing/start-nexus.ts";
import { startServerProcess } from "./testing/start-server-process.ts";
import { createTestDatabase } from "./testing/test-database.ts";
import { openWorkplace, refusalOf, type Workplace } from "./testing/workplace.ts";

const AGENTS = 50;
const FEATURES = 200;
/** For a machine that others use as well. */
const BOUND_MS = 240_000;
/** As the documentation states it. */
const MAX_PASSES = 20;

/** A feature as the test knows it; a path that ends in `/` covers what is below. */
interface Planned {
  readonly slug: string;
  readonly paths: readonly string[];
}

interface Hold extends Planned {
  readonly token: bigint;
  readonly from: number;
  readonly until: number;
}

/** Two folders and twelve hot files, and 200 features that want one or the other. */
function plan(): Planned[] {
  return Array.from({ length: FEATURES }, (_, index) => {
    const slug = `f-${index}`;
    if (index === 5) return { slug, paths: ["src/"] };
    if (index === 40) return { slug, paths: ["lib/"] };
    const folder = index % 3 === 0 ? "lib" : "src";
    const hot = index % 4 === 0 ? [`${folder}/hot-${index % 12}.ts`] : [];
    return { slug, paths: [`${folder}/own-${index}.ts`, ...hot] };
  });
}

/** The test's own notion of a conflict. */
function overlap(a: Planned, b: Planned): boolean {
  return a.paths.some((x) =>
    b.paths.some((y) => x === y || (x.endsWith("/") && y.startsWith(x)) || (y.endsWith("/") && x.startsWith(y))),
  );
}

async function fill({ ana, projectId }: Workplace, planned: readonly Planned[]): Promise<void> {
  for (const { slug, paths } of planned) {
    const touches = paths.map((path) => ({ path: path.replace(/\/$/, "") }));
    await ana.features.createFeature({ projectId, slug, title: slug, spec: slug, touches });
  }
  await Promise.all(planned.map(({ slug }) => ana.features.markFeatureReady({ projectId, slug })));
}

/** Every agent picks the next feature, holds it for a while and completes it, until all are done. */
async function workThrough(
  { projectId }: Workplace,
  agents: readonly { readonly door: ApiClients; readonly sessionId: string }[],
  planned: readonly Planned[],
): Promise<Hold[]> {
  const bySlug = new Map(planned.map((one) => [one.slug, one]));
  const holds: Hold[] = [];
  let granted = 0;
  let done = 0;
  await Promise.all(
    agents.map(async ({ door, sessionId }) => {
      while (done < planned.length) {
        const pick = door.features.pickNextFeature({ projectId, sessionId });
        const picked = await pick.catch(async (): Promise<undefined> => {
          expect((await refusalOf(pick)).reason).toBe("NOTHING_AVAILABLE");
          await pause(20 + Math.random() * 40);
        });
        const feature = bySlug.get(picked?.feature?.slug ?? "");
        if (feature === undefined) continue;
        const from = performance.now();
        const token = picked?.claim?.fencingToken ?? 0n;
        // Until others have got something too, so that there always is work in hand; where nobody does, not for long.
        granted += 1;
        const enough = granted + 8;
        for (let waits = 0; waits < 20 && granted < enough; waits++) await pause(25);
        holds.push({ ...feature, token, from, until: performance.now() });
        await door.features.completeFeature({ projectId, slug: feature.slug, sessionId, fencingToken: token });
        done += 1;
      }
    }),
  );
  return holds;
}

function overlappingHolds(holds: readonly Hold[]): string[] {
  return holds.flatMap((a, index) =>
    holds
      .slice(index + 1)
      .filter((b) => a.from < b.until && b.from < a.until && overlap(a, b))
      .map((b) => `${a.slug} and ${b.slug}`),
  );
}

/**
 * What was given although it overlaps the feature that was waited for. The grants, in their order, tell how often each
 * feature was passed over, except that calls were under way at the same time: so one that MAX_PASSES grants passed over
 * may be waited for, and one that as many more did as there are agents has to be. The clock stands still, so of several
 * the first in the order of work has waited longest: it is one of those up to the first that has to be waited for.
 */
function unfairGrants(holds: readonly Hold[], planned: readonly Planned[]): string[] {
  const passes = new Map(planned.map(({ slug }) => [slug, 0]));
  const unfair: string[] = [];
  for (const grant of [...holds].sort((a, b) => (a.token < b.token ? -1 : 1))) {
    const atLeast = (count: number) => planned.filter(({ slug }) => (passes.get(slug) ?? 0) >= count);
    const [certain] = atLeast(MAX_PASSES + AGENTS);
    if (certain !== undefined) {
      const possible = atLeast(MAX_PASSES);
      const waitedFor = possible.slice(0, possible.indexOf(certain) + 1);
      if (waitedFor.every((one) => one.slug !== grant.slug && overlap(one, grant))) {
        unfair.push(`${grant.slug} before ${waitedFor.map(({ slug }) => slug).join(" or ")}`);
      }
    }
    passes.delete(grant.slug);
    const place = planned.findIndex(({ slug }) => slug === grant.slug);
    for (const { slug } of planned.slice(0, place)) {
      const count = passes.get(slug);
      if (count !== undefined) passes.set(slug, count + 1);
    }
  }
  return unfair;
}

test(
  "fifty agents that ask at once get 200 features: each once, none that overlap, and none passed over too often",
  async () => {
    const place = await openWorkplace(await startNexus("redis"));
    const planned = plan();
    await fill(place, planned);
    const agents = await Promise.all(
      Array.from({ length: AGENTS }, async () => ({ door: place.ana, sessionId: await place.session() })),
    );

    const holds = await workThrough(place, agents, planned);

    expect(holds.map(({ slug }) => slug).sort()).toEqual(planned.map(({ slug }) => slug).sort());
    expect(overlappingHolds(holds)).toEqual([]);
    expect(unfairGrants(holds, planned)).toEqual([]);
    const { statuses } = await place.ana.projects.getProjectStatus({ projectId: place.projectId });
    expect(statuses.filter(({ count }) => count > 0)).toMatchObject([{ count: FEATURES }]);
  },
  BOUND_MS,
);

test(
  "three servers that know nothing of each other give every feature once, and all get done",
  async () => {
    const { url: databaseUrl, drop } = await createTestDatabase();
    onTestFinished(drop);
    const env = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: inject("redisUrl"),
      API_KEY_SALT: "a salt that only tests use",
      LOG_LEVEL: "error",
    };
    const servers = await Promise.all([1, 2, 3].map(() => startServerProcess(env)));
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.end()));
    });
    const place = await openWorkplace({ join: (name) => joinAs(servers[0]?.url ?? "", name) });
    onTestFinished(async () => {
      await place.ana.projects.deleteProject({ projectId: place.projectId, confirmSlug: "shop" });
    });
    const planned = plan().slice(0, 80);
    await fill(place, planned);
    const doors = servers.map(({ url }) => clientsFor(url, place.ana.key));
    const agents = await Promise.all(
      Array.from({ length: AGENTS }, async (_, index) => {
        const door = doors[index % doors.length] ?? place.ana;
        return { door, sessionId: await place.session(door) };
      }),
    );

    const holds = await workThrough(place, agents, planned);

    expect(holds.map(({ slug }) => slug).sort()).toEqual(planned.map(({ slug }) => slug).sort());
    expect(overlappingHolds(holds)).toEqual([]);
  },
  BOUND_MS,
);
