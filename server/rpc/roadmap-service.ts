import type { ServiceImpl } from "@connectrpc/connect";
import type { RoadmapService } from "@nexus/gen/nexus/v1/roadmap_service_pb";
import type { FeatureDeps } from "../domain/features/deps.ts";
import { LANES } from "../domain/features/feature.ts";
import { FieldParser } from "../domain/field-parser.ts";
import type { ProjectId } from "../domain/ids.ts";
import { getRoadmap, MAX_LANE } from "../domain/roadmap/get-roadmap.ts";
import { reorderRoadmap } from "../domain/roadmap/reorder-roadmap.ts";
import { callerOf } from "./context.ts";
import { featureToProto, laneFromProto, laneToProto } from "./convert/feature.ts";

/** RoadmapService over the domain. */
export function roadmapService(deps: FeatureDeps): ServiceImpl<typeof RoadmapService> {
  return {
    async getRoadmap(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      fields.atMost("lanes", request.lanes, 100);
      const asked = new Set(
        request.lanes.slice(0, 100).map((lane, index) => laneFromProto(fields, `lanes[${index}]`, lane, "next")),
      );
      if (request.limit < 0 || request.limit > MAX_LANE)
        fields.reject("limit", `is 1 to ${MAX_LANE}, or 0 for as many`);
      fields.done();
      const { lanes, etag, eventCursor } = await getRoadmap(deps, callerOf(context), {
        projectId,
        lanes: asked.size === 0 ? LANES : LANES.filter((lane) => asked.has(lane)),
        closed: request.includeClosed,
        limit: request.limit || MAX_LANE,
      });
      return {
        lanes: lanes.map(({ lane, entries, omitted }) => ({
          lane: laneToProto(lane),
          entries: entries.map(({ view, blockedBy }) => ({ feature: featureToProto(view), blockedBy: [...blockedBy] })),
          omitted,
        })),
        etag,
        eventCursor,
      };
    },

    async reorderRoadmap(request, context) {
      const fields = new FieldParser();
      const move = {
        projectId: fields.id<ProjectId>("project_id", request.projectId),
        slug: fields.slug("slug", request.slug),
        lane: request.lane === 0 ? undefined : laneFromProto(fields, "lane", request.lane, "next"),
        before: request.beforeSlug === "" ? undefined : fields.slug("before_slug", request.beforeSlug),
        etag: request.etag === "" ? undefined : request.etag,
      };
      fields.done();
      const { view, etag } = await reorderRoadmap(deps, callerOf(context), move);
      return { feature: featureToProto(view), etag };
    },
  };
}
