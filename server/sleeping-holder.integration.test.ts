import { SessionExpiredSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { describe, expect, test } from "vitest";
import type { ApiClients, TestNexus } from "./testing/start-nexus.ts";
import { startNexus } from "./testing/start-nexus.ts";
import { openWorkplace, refusalOf } from "./testing/workplace.ts";

const TTL_MS = 5 * 60_000;
const LOCK_DELAY_MS = 15_000;

/** What a late holder may still send: everything that names its session or its token. */
interface Late {
  readonly projectId: string;
  readonly slug: string;
  readonly sessionId: string;
  readonly fencingToken: bigint;
}
const LATE_CALLS: Readonly<Record<string, (api: ApiClients, late: Late) => Promise<unknown>>> = {
  heartbeat: ({ sessions }, { projectId, sessionId }) => sessions.heartbeatSession({ projectId, sessionId }),
  refresh: ({ claims }, { projectId, sessionId }) => claims.refreshClaims({ projectId, sessionId }),
  done: ({ features }, late) => features.completeFeature(late),
  release: ({ features }, late) => features.releaseFeature(late),
  cancel: ({ features }, late) => features.cancelFeature(late),
  extend: ({ claims }, late) => claims.extendClaim({ ...late, touches: [{ path: "docs" }] }),
  "release of paths": ({ claims }, late) => claims.releasePaths({ ...late, paths: ["src"] }),
  checkpoint: ({ sessions }, late) => sessions.saveCheckpoint({ ...late, context: "half-way" }),
  "pick of the same": ({ features }, late) => features.pickFeature(late),
};

/** One holder fell asleep; its lease ran out, and another session holds the feature now. */
async function takenOver(nexus: TestNexus) {
  const work = await openWorkplace(nexus);
  const { ana, projectId } = work;
  await work.ready("login", ["src"]);
  const sleeper = await work.session();
  const stale = await work.hold("login", sleeper);
  await nexus.advance(TTL_MS + 1);
  await nexus.server.reconcile();
  await nexus.advance(LOCK_DELAY_MS + 1);
  await nexus.server.reconcile();
  const holder = await work.session();
  const fencingToken = await work.hold("login", holder);
  /** All that the new holder could notice. */
  const seen = async () => ({
    claims: (await ana.claims.listClaims({ projectId })).claims,
    feature: await work.feature("login"),
    verdict: await ana.claims.verifyPaths({ projectId, fencingToken, paths: ["src/a.ts", "docs/a.md"] }),
  });
  const late: Late = { projectId, slug: "login", sessionId: sleeper, fencingToken: stale };
  return { ...work, late, holder, fencingToken, seen };
}

describe.each(["redis", "embedded"] as const)("with %s claims, when a holder wakes up after its expiry", (kind) => {
  test.each(Object.keys(LATE_CALLS))(
    "its %s is refused with what it lost and what to do, and changes nothing",
    async (call) => {
      const { ana, late, holder, fencingToken, seen, done } = await takenOver(await startNexus(kind));
      const before = await seen();

      const refusal = await refusalOf(LATE_CALLS[call]?.(ana, late) ?? Promise.resolve());

      expect(refusal.reason).toBe("SESSION_EXPIRED");
      const detail = refusal.detail(SessionExpiredSchema);
      expect(detail?.lostFeatureSlug).toBe("login");
      expect(detail?.lostTouches.map(({ path }) => path)).toEqual(["src"]);
      expect(detail?.expireTime).toBeDefined();
      expect(refusal.message).toContain("open another session and run 'nexus feature pick login'");
      expect(await seen()).toEqual(before);
      expect((await done("login", holder, fencingToken)).feature?.status).toBe(FeatureStatus.DONE);
    },
  );

  test("its files are not covered by its old token, and are by the new one", async () => {
    const { ana, late, fencingToken } = await takenOver(await startNexus(kind));
    const verify = (token: bigint) =>
      ana.claims.verifyPaths({ projectId: late.projectId, fencingToken: token, paths: ["src/a.ts"] });

    expect((await verify(late.fencingToken)).live).toBe(false);
    expect((await verify(fencingToken)).live).toBe(true);
  });
});
