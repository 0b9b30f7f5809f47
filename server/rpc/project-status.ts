import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import {
  type GetProjectStatusRequest,
  type GetProjectStatusResponseSchema,
  GetProjectStatusResponse_StoreHealth_State as State,
  GetProjectStatusResponse_StoreHealth_Store as Store,
} from "@nexus/gen/nexus/v1/project_service_pb";
import type { ListedClaim } from "../domain/claims/claim-store.ts";
import type { FeatureDeps } from "../domain/features/deps.ts";
import { LANES, STATUSES } from "../domain/features/feature.ts";
import { FieldParser } from "../domain/field-parser.ts";
import type { ProjectId } from "../domain/ids.ts";
import { getProjectStatus as readProjectStatus, type StoreState } from "../domain/projects/get-project-status.ts";
import { callerOf } from "./context.ts";
import { claimsToProto } from "./convert/claim.ts";
import { featureToProto, holderToProto, laneToProto, statusToProto } from "./convert/feature.ts";
import { projectToProto } from "./convert/project.ts";
import { sessionToProto } from "./convert/session.ts";

/** Touches of one claim that a status shows. */
const MAX_TOUCHES = 64;

const STORE_STATES: Record<StoreState, State> = {
  ok: State.OK,
  unavailable: State.UNAVAILABLE,
  recovering: State.RECOVERING,
};

/** ProjectService.GetProjectStatus. */
export function getProjectStatus(deps: FeatureDeps) {
  return async (
    request: GetProjectStatusRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetProjectStatusResponseSchema>> => {
    const fields = new FieldParser();
    const projectId = fields.id<ProjectId>("project_id", request.projectId);
    fields.done();
    const status = await readProjectStatus(deps, callerOf(context), projectId);
    const { byStatus, byLane } = status.counts;
    return {
      project: projectToProto(status.project),
      statuses: STATUSES.map((s) => ({ status: statusToProto(s), count: byStatus.get(s) ?? 0 })),
      lanes: LANES.map((lane) => ({ lane: laneToProto(lane), count: byLane.get(lane) ?? 0 })),
      sessions: status.sessions.map(({ view, claims }) => ({
        session: sessionToProto(view),
        engineerName: view.session.engineerName,
        claims: claimsToProto(projectId, claims.map(shortened), status.slugs),
      })),
      sessionsOmitted: status.sessionsOmitted,
      interrupted: status.interrupted.map(featureToProto),
      blocked: status.blocked.map(({ feature, heldBy, unmet }) => ({
        slug: feature.slug,
        title: feature.title,
        lane: laneToProto(feature.lane),
        heldBy: heldBy.map(holderToProto),
        unmet: [...unmet],
        passedOver: feature.passedOver,
      })),
      blockedCount: status.blockedCount,
      hottestPaths: status.hottestPaths.map((hot) => ({ ...hot, heldFor: [...hot.heldFor] })),
      oldestClaim: status.oldest && claimsToProto(projectId, [shortened(status.oldest.claim)], status.slugs)[0],
      oldestClaimHolder: status.oldest?.holder && holderToProto(status.oldest.holder),
      stores: [
        { store: Store.POSTGRES, state: STORE_STATES[status.stores.postgres] },
        { store: Store.CLAIMS, state: STORE_STATES[status.stores.claims] },
      ],
      eventCursor: status.eventCursor,
    };
  };
}

function shortened(claim: ListedClaim): ListedClaim {
  return { ...claim, touches: claim.touches.slice(0, MAX_TOUCHES) };
}
