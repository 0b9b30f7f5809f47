import type { LiveClaim } from "../claims/claim-store.ts";
import type { Stores } from "../database.ts";
import type { SessionId, Slug } from "../ids.ts";
import type { ClaimAccess, ClaimedProject } from "../recovery/claim-access.ts";
import type { Feature, FeatureView, Holder } from "./feature.ts";

/** Who holds each of these claims. Claims whose session is gone meanwhile are left out. */
export async function holdersOf<Claim extends LiveClaim>(
  stores: Pick<Stores, "sessions" | "features">,
  claims: readonly Claim[],
): Promise<Map<Claim, Holder>> {
  const unique = <T>(ids: readonly T[]) => [...new Set(ids)];
  const [sessions, features] = await Promise.all([
    stores.sessions.getMany(unique(claims.map((c) => c.sessionId))),
    stores.features.getMany(unique(claims.map((c) => c.featureId))),
  ]);
  const sessionById = new Map(sessions.map((s) => [s.id, s]));
  const featureById = new Map(features.map((f) => [f.id, f]));
  const holders = new Map<Claim, Holder>();
  for (const claim of claims) {
    const session = sessionById.get(claim.sessionId);
    const feature = featureById.get(claim.featureId);
    if (session === undefined) continue;
    const { engineerId, engineerName, agent } = session;
    const { sessionId, acquireTime, expireTime } = claim;
    holders.set(claim, {
      engineerId,
      engineerName,
      agent,
      sessionId,
      // A feature that was deleted while its claim drains has no name any more.
      featureSlug: feature?.slug ?? ("" as Slug),
      acquireTime,
      expireTime,
    });
  }
  return holders;
}

/** Features with their holders' leases. Asks the claim store only when one of them is active. */
export async function viewFeatures(
  claims: ClaimAccess,
  project: ClaimedProject,
  features: readonly Feature[],
): Promise<FeatureView[]> {
  if (features.every((f) => f.hold === undefined)) return features.map((feature) => ({ feature, holder: undefined }));
  const { outcome } = await claims.run(project, (store, scope) => store.listLeases(scope));
  const leases = new Map<SessionId, Date>(outcome.leases.map((l) => [l.sessionId, l.expireTime]));
  return features.map((feature) => ({ feature, holder: holderOf(feature, leases) }));
}

/** One feature with its holder's lease. */
export async function viewFeature(
  claims: ClaimAccess,
  project: ClaimedProject,
  feature: Feature,
): Promise<FeatureView> {
  const [view] = await viewFeatures(claims, project, [feature]);
  return view ?? { feature, holder: undefined };
}

/** The holder of an active feature whose lease ends then. */
export function holderUntil(feature: Feature, expireTime: Date): Holder | undefined {
  if (feature.hold === undefined) return undefined;
  const { engineerId, engineerName, agent, sessionId, acquireTime } = feature.hold;
  return { engineerId, engineerName, agent, sessionId, featureSlug: feature.slug, acquireTime, expireTime };
}

function holderOf(feature: Feature, leases: ReadonlyMap<SessionId, Date>): Holder | undefined {
  if (feature.hold === undefined) return undefined;
  // A lease that the store does not know has ended; its end is being committed.
  return holderUntil(feature, leases.get(feature.hold.sessionId) ?? feature.hold.acquireTime);
}
