import { expect, inject, onTestFinished, test } from "vitest";
import { clientsFor, joinAs } from "./testing/start-nexus.ts";
import { type ServerProcess, startServerProcess } from "./testing/start-server-process.ts";
import { createTestDatabase } from "./testing/test-database.ts";
import { openWorkplace, refusalOf, type Workplace } from "./testing/workplace.ts";

const SESSIONS = 100;
const ROUNDS = 5;

/** Three server processes over one Redis and one PostgreSQL, with a hundred sessions spread over them. */
async function openRace() {
  const { url: databaseUrl, drop } = await createTestDatabase();
  onTestFinished(drop);
  const env = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: inject("redisUrl"),
    API_KEY_SALT: "a salt that only tests use",
    LOG_LEVEL: "error",
  };
  const servers: ServerProcess[] = await Promise.all([1, 2, 3].map(() => startServerProcess(env)));
  onTestFinished(async () => {
    await Promise.all(servers.map((server) => server.end()));
  });
  const urls = servers.map((server) => server.url);
  const workplace = await openWorkplace({ join: (name) => joinAs(urls[0] ?? "", name) });
  onTestFinished(async () => {
    const { ana, projectId } = workplace;
    await ana.projects.deleteProject({ projectId, confirmSlug: "shop" });
  });
  const doors = urls.map((url) => clientsFor(url, workplace.ana.key));
  const racers = await Promise.all(
    Array.from({ length: SESSIONS }, async (_, index) => {
      const door = doors[index % doors.length] ?? workplace.ana;
      return { door, sessionId: await workplace.session(door) };
    }),
  );
  return { workplace, racers };
}

async function race(
  { workplace, racers }: Awaited<ReturnType<typeof openRace>>,
  slugOf: (index: number) => string,
): Promise<{ winners: { slug: string; sessionId: string; fencingToken: bigint }[]; reasons: Set<string> }> {
  const { projectId } = workplace;
  const winners: { slug: string; sessionId: string; fencingToken: bigint }[] = [];
  const reasons = new Set<string>();
  await Promise.all(
    racers.map(async ({ door, sessionId }, index) => {
      const slug = slugOf(index);
      const pick = door.features.pickFeature({ projectId, slug, sessionId });
      const won = await pick.then(({ claim }) => claim).catch(() => undefined);
      if (won === undefined) reasons.add((await refusalOf(pick)).reason);
      else winners.push({ slug, sessionId, fencingToken: won.fencingToken });
    }),
  );
  return { winners, reasons };
}

async function releaseAll({ ana, projectId }: Workplace, held: Awaited<ReturnType<typeof race>>["winners"]) {
  await Promise.all(held.map((hold) => ana.features.releaseFeature({ projectId, ...hold })));
}

test("of a hundred sessions that go for one feature at three servers, one gets it, every time", async () => {
  const world = await openRace();
  await world.workplace.ready("login", ["src/auth.ts"]);
  let last = 0n;

  for (let round = 0; round < ROUNDS; round++) {
    const { winners, reasons } = await race(world, () => "login");

    expect(winners).toHaveLength(1);
    expect([...reasons].join()).toBe("FEATURE_ALREADY_HELD");
    expect(winners[0]?.fencingToken).toBeGreaterThan(last);
    last = winners[0]?.fencingToken ?? 0n;
    await releaseAll(world.workplace, winners);
  }
});

test("of a hundred sessions that go for features that all overlap, one gets its own, every time", async () => {
  const world = await openRace();
  const shapes = [["src"], ["src/auth.ts"], ["**/auth.ts"], ["src/a*.ts", "docs/auth.md"], ["{src,lib}/auth.ts"]];
  await Promise.all(shapes.map((touches, index) => world.workplace.ready(`way-${index}`, touches)));

  for (let round = 0; round < ROUNDS; round++) {
    const { winners, reasons } = await race(world, (index) => `way-${index % shapes.length}`);

    expect(winners).toHaveLength(1);
    expect([...reasons].sort().join()).toBe("CLAIM_CONFLICT,FEATURE_ALREADY_HELD");
    await releaseAll(world.workplace, winners);
  }
});
