import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { GetProjectStatusRequest, GetProjectStatusResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import type { FeatureDeps } from "../domain/features/deps.ts";
import { LANES, STATUSES } from "../domain/features/feature.ts";
import { FieldParser } from "../domain/field-parser.ts";
import type { ProjectId } from "../domain/ids.ts";
import { getProjectStatus as readProjectStatus } from "../domain/projects/get-project-status.ts";
import { callerOf } from "./context.ts";
import { claimsToProto } from "./convert/claim.ts";
import { featureToProto, laneToProto, statusToProto } from "./convert/feature.ts";
import { projectToProto } from "./convert/project.ts";
import { sessionToProto } from "./convert/session.ts";

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
        claims: claimsToProto(projectId, claims, status.slugs),
      })),
      interrupted: status.interrupted.map(featureToProto),
    };
  };
}
