import type { ServiceImpl } from "@connectrpc/connect";
import type { ClaimService } from "@nexus/gen/nexus/v1/claim_service_pb";
import { MAX_TOUCHES_PER_CLAIM } from "../domain/claims/claim-store.ts";
import { checkPaths } from "../domain/features/check-paths.ts";
import type { FeatureDeps } from "../domain/features/deps.ts";
import { FieldParser } from "../domain/field-parser.ts";
import type { ProjectId, SessionId } from "../domain/ids.ts";
import { callerOf } from "./context.ts";
import { holderToProto, pathFromProto } from "./convert/feature.ts";

/** ClaimService over the domain. All but CheckPaths come with the rest of the claims engine. */
export function claimService(deps: FeatureDeps): Partial<ServiceImpl<typeof ClaimService>> {
  return {
    async checkPaths(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      fields.atMost("paths", request.paths, MAX_TOUCHES_PER_CLAIM);
      const paths = request.paths
        .slice(0, MAX_TOUCHES_PER_CLAIM)
        .map((path, index) => pathFromProto(fields, `paths[${index}]`, path));
      const sessionId = request.sessionId === "" ? undefined : fields.id<SessionId>("session_id", request.sessionId);
      fields.done();
      const checked = await checkPaths(deps, callerOf(context), projectId, paths, sessionId);
      return {
        paths: checked.map(({ path, heldPath, holder }) => ({
          path,
          heldPath: heldPath ?? "",
          holder: holder && holderToProto(holder),
        })),
      };
    },
  };
}
