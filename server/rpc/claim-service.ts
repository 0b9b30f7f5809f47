import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ClaimService,
  ListClaimsRequestSchema,
  VerifyPathsResponse_Verdict as Verdict,
} from "@nexus/gen/nexus/v1/claim_service_pb";
import { MAX_TOUCHES_PER_CLAIM } from "../domain/claims/claim-store.ts";
import { checkPaths } from "../domain/features/check-paths.ts";
import type { FeatureDeps } from "../domain/features/deps.ts";
import { extendClaim } from "../domain/features/extend-claim.ts";
import { forceRelease } from "../domain/features/force-release.ts";
import { listClaims, listClaimsOfSession } from "../domain/features/list-claims.ts";
import { releasePaths } from "../domain/features/release-paths.ts";
import { type VerifiedPath, verifyPaths } from "../domain/features/verify-paths.ts";
import { FieldParser } from "../domain/field-parser.ts";
import type { ProjectId, SessionId } from "../domain/ids.ts";
import { type FilePath, parseFilePath } from "../domain/paths/path.ts";
import { PathProblem } from "../domain/paths/path-problem.ts";
import { callerOf } from "./context.ts";
import { claimsToProto, grantedClaimToProto } from "./convert/claim.ts";
import {
  featureNameFromProto,
  holderToProto,
  holdFromProto,
  pathFromProto,
  touchesFromProto,
} from "./convert/feature.ts";
import { sessionNameFromProto } from "./convert/session.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";

const MAX_VERIFIED = 5_000;

const VERDICTS: Record<VerifiedPath["verdict"], Verdict> = {
  covered: Verdict.COVERED,
  unclaimed: Verdict.UNCLAIMED,
  "held-by-other": Verdict.HELD_BY_OTHER,
};

/** ClaimService over the domain. */
export function claimService(deps: FeatureDeps): ServiceImpl<typeof ClaimService> {
  return {
    async listClaims(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const size = fields.pageSize(request.pageSize);
      const after = tokenFromToken(fields, decodePageToken(ListClaimsRequestSchema, request));
      fields.done();
      const { claims, slugs, next } = await listClaims(deps, callerOf(context), projectId, { size, after });
      return {
        claims: claimsToProto(projectId, claims, slugs),
        nextPageToken: encodePageToken(ListClaimsRequestSchema, request, next?.toString()),
      };
    },

    async listMyClaims(request, context) {
      const named = sessionNameFromProto(request);
      const { claims, slugs } = await listClaimsOfSession(deps, callerOf(context), named);
      return { claims: claimsToProto(named.projectId, claims, slugs) };
    },

    async refreshClaims(request, context) {
      const named = sessionNameFromProto(request);
      const { claims, slugs } = await listClaimsOfSession(deps, callerOf(context), named);
      return { claims: claimsToProto(named.projectId, claims, slugs) };
    },

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

    async extendClaim(request, context) {
      const hold = holdFromProto(request);
      const fields = new FieldParser();
      const touches = touchesFromProto(fields, "touches", request.touches, MAX_TOUCHES_PER_CLAIM);
      if (touches.length === 0) fields.reject("touches", "is required: what to claim in addition");
      fields.done();
      const granted = await extendClaim(deps, callerOf(context), hold, touches);
      return { claim: grantedClaimToProto(hold, granted) };
    },

    async releasePaths(request, context) {
      const hold = holdFromProto(request);
      const fields = new FieldParser();
      fields.atMost("paths", request.paths, MAX_TOUCHES_PER_CLAIM);
      const paths = request.paths
        .slice(0, MAX_TOUCHES_PER_CLAIM)
        .map((path, index) => pathFromProto(fields, `paths[${index}]`, path));
      if (paths.length === 0) fields.reject("paths", "is required: what to free, as it was claimed");
      fields.done();
      const { claims, slugs } = await releasePaths(deps, callerOf(context), hold, paths);
      return { claims: claimsToProto(hold.projectId, claims, slugs) };
    },

    async forceReleaseClaim(request, context) {
      const named = featureNameFromProto(request);
      const fields = new FieldParser();
      const reason = fields.text("reason", request.reason.trim(), 1, 1_000);
      fields.done();
      const holder = await forceRelease(deps, callerOf(context), named, reason);
      return { formerHolder: holderToProto(holder) };
    },

    async verifyPaths(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      fields.atMost("paths", request.paths, MAX_VERIFIED);
      const paths = request.paths.slice(0, MAX_VERIFIED).flatMap((path, index): FilePath[] => {
        const parsed = parseFilePath(path);
        if (!(parsed instanceof PathProblem)) return [parsed];
        fields.rejectPath(`paths[${index}]`, parsed.description);
        return [];
      });
      fields.done();
      const verified = await verifyPaths(deps, callerOf(context), projectId, request.fencingToken, paths);
      return {
        live: verified.live,
        paths: verified.paths.map(({ path, verdict, holder }) => ({
          path,
          verdict: VERDICTS[verdict],
          holder: holder && holderToProto(holder),
        })),
      };
    },
  };
}

function tokenFromToken(fields: FieldParser, key: unknown): bigint | undefined {
  if (key === undefined) return undefined;
  if (typeof key === "string" && /^\d{1,16}$/.test(key)) return BigInt(key);
  fields.reject("page_token", "is not a token of this list");
  return undefined;
}
