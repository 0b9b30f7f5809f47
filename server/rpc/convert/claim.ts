import { create } from "@bufbuild/protobuf";
import { type Claim, ClaimSchema, ClaimState, type LostClaim, LostClaimSchema } from "@nexus/gen/nexus/v1/claim_pb";
import type { ClaimState as DomainClaimState, ListedClaim } from "../../domain/claims/claim-store.ts";
import type { GrantedClaim } from "../../domain/features/extend-claim.ts";
import type { PickedFeature } from "../../domain/features/pick-feature.ts";
import type { FeatureId, ProjectId, Slug } from "../../domain/ids.ts";
import type { LostClaim as DomainLostClaim } from "../../domain/sessions/use-session.ts";
import { touchToProto } from "./feature.ts";
import { timeToProto } from "./time.ts";

const STATE_TO_PROTO: Record<DomainClaimState, ClaimState> = {
  provisional: ClaimState.PROVISIONAL,
  held: ClaimState.HELD,
  draining: ClaimState.DRAINING,
};

/** The claim of a feature that was just picked. */
export function pickedClaimToProto(picked: PickedFeature): Claim {
  const { feature } = picked.view;
  const { projectId, slug } = feature;
  return grantedClaimToProto({ projectId, slug, sessionId: feature.hold?.sessionId ?? "" }, picked);
}

/** A claim that was just granted. */
export function grantedClaimToProto(
  { projectId, slug, sessionId }: { readonly projectId: string; readonly slug: string; readonly sessionId: string },
  granted: GrantedClaim,
): Claim {
  return create(ClaimSchema, {
    id: granted.claimId,
    projectId,
    featureSlug: slug,
    sessionId,
    touches: granted.touches.map(touchToProto),
    fencingToken: granted.fencingToken,
    state: ClaimState.HELD,
    acquireTime: timeToProto(granted.acquireTime),
    expireTime: timeToProto(granted.expireTime),
  });
}

/** Live claims; those of features that are gone are left out. */
export function claimsToProto(
  projectId: ProjectId,
  claims: readonly ListedClaim[],
  slugs: ReadonlyMap<FeatureId, Slug>,
): Claim[] {
  return claims.flatMap((claim) => {
    const featureSlug = slugs.get(claim.featureId);
    if (featureSlug === undefined) return [];
    return create(ClaimSchema, {
      id: claim.claimId,
      projectId,
      featureSlug,
      sessionId: claim.sessionId,
      touches: claim.touches.map(touchToProto),
      fencingToken: claim.fencingToken,
      state: STATE_TO_PROTO[claim.state],
      acquireTime: timeToProto(claim.acquireTime),
      expireTime: timeToProto(claim.expireTime),
    });
  });
}

/** A claim that its session no longer holds. */
export function lostClaimToProto({ featureSlug, touches, fencingToken, endTime }: DomainLostClaim): LostClaim {
  return create(LostClaimSchema, {
    featureSlug: featureSlug ?? "",
    touches: touches.map(touchToProto),
    fencingToken,
    endTime: timeToProto(endTime),
  });
}
