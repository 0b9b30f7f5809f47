import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type FeatureService,
  type FeatureWarning,
  FeatureWarning_Kind,
  FeatureWarningSchema,
  ListAvailableFeaturesRequestSchema,
  ListFeaturesRequestSchema,
} from "@nexus/gen/nexus/v1/feature_service_pb";
import { MAX_TOUCHES_PER_CLAIM } from "../domain/claims/claim-store.ts";
import type { FeatureDeps } from "../domain/features/deps.ts";
import { cancelFeature, endFeature } from "../domain/features/end-feature.ts";
import type { Feature } from "../domain/features/feature.ts";
import { type PickedFeature, pickFeature } from "../domain/features/pick-feature.ts";
import { chooseBatch, MAX_BATCH, pickNextFeature } from "../domain/features/pick-next-feature.ts";
import {
  findFeature,
  listAvailableFeatures,
  listFeatures,
  listReadyFeatures,
} from "../domain/features/read-features.ts";
import type { TouchAdvice } from "../domain/features/touch-advice.ts";
import { markFeatureMerged, unmergedOverlaps } from "../domain/features/unmerged.ts";
import {
  createFeature,
  deleteFeature,
  MAX_DEPENDENCIES,
  markFeatureReady,
  unreadyFeature,
  updateFeature,
} from "../domain/features/write-feature.ts";
import { FieldParser, slugFrom } from "../domain/field-parser.ts";
import type { ProjectId, SessionId, Slug } from "../domain/ids.ts";
import { briefFeature } from "../domain/knowledge/brief-feature.ts";
import { callerOf } from "./context.ts";
import { pickedClaimToProto } from "./convert/claim.ts";
import {
  blockedFeatureToProto,
  featureListKeyFromToken,
  featureNameFromProto,
  featureToProto,
  holdFromProto,
  laneFromProto,
  statusFromProto,
  touchesFromProto,
  unmergedToProto,
} from "./convert/feature.ts";
import { briefingToProto } from "./convert/knowledge.ts";
import { parseUpdateMask } from "./field-mask.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";

const MAX_SPEC = 100_000;
const MAX_TITLE = 200;
const MAX_REPOSITORY_PATHS = 100_000;
const EDITABLE = ["title", "spec", "lane", "touches", "depends_on"] as const;

/** FeatureService over the domain. */
export function featureService(deps: FeatureDeps): ServiceImpl<typeof FeatureService> {
  return {
    async createFeature(request, context) {
      const fields = new FieldParser();
      const title = fields.line("title", request.title, 0, MAX_TITLE);
      const derived = request.slug === "" ? slugFrom(title) : request.slug;
      if (derived === "") fields.reject("slug", "give a slug, or a title that one can be derived from");
      const draft = {
        projectId: fields.id<ProjectId>("project_id", request.projectId),
        slug: derived === "" ? ("" as Slug) : fields.slug("slug", derived),
        title,
        spec: fields.text("spec", request.spec, 0, MAX_SPEC),
        lane: laneFromProto(fields, "lane", request.lane, "next"),
        touches: touchesFromProto(fields, "touches", request.touches, MAX_TOUCHES_PER_CLAIM),
        dependsOn: slugsFromProto(fields, "depends_on", request.dependsOn),
      };
      fields.atMost("repository_paths", request.repositoryPaths, MAX_REPOSITORY_PATHS);
      fields.done();
      const { feature, advice } = await createFeature(deps, callerOf(context), draft, request.repositoryPaths);
      return { feature: featureToProto(feature), warnings: warningsOf(feature, advice) };
    },

    async listFeatures(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const filter = {
        statuses: request.statuses.slice(0, 100).flatMap((s, i) => statusFromProto(fields, `statuses[${i}]`, s) ?? []),
        lanes: request.lanes.slice(0, 100).map((lane, i) => laneFromProto(fields, `lanes[${i}]`, lane, "next")),
        unmerged: request.unmerged,
      };
      fields.atMost("statuses", request.statuses, 100);
      fields.atMost("lanes", request.lanes, 100);
      const size = fields.pageSize(request.pageSize);
      const after = featureListKeyFromToken(fields, decodePageToken(ListFeaturesRequestSchema, request));
      fields.done();
      const page = await listFeatures(deps, callerOf(context), projectId, filter, { size, after });
      return {
        features: page.items.map(featureToProto),
        nextPageToken: encodePageToken(ListFeaturesRequestSchema, request, page.next),
        eventCursor: page.eventCursor,
      };
    },

    async listAvailableFeatures(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const size = fields.pageSize(request.pageSize);
      const after = featureListKeyFromToken(fields, decodePageToken(ListAvailableFeaturesRequestSchema, request));
      fields.done();
      const list = request.includeBlocked ? listReadyFeatures : listAvailableFeatures;
      const page = await list(deps, callerOf(context), projectId, { size, after });
      return {
        features: page.items.map(featureToProto),
        blocked: page.blocked.map(blockedFeatureToProto),
        nextPageToken: encodePageToken(ListAvailableFeaturesRequestSchema, request, page.next),
      };
    },

    async getFeature(request, context) {
      return { feature: featureToProto(await findFeature(deps, callerOf(context), featureNameFromProto(request))) };
    },

    async updateFeature(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const slug = fields.slug("slug", request.slug);
      const mask = parseUpdateMask(fields, request.updateMask, EDITABLE);
      const given = request.feature;
      if (given === undefined) fields.reject("feature", "is required");
      const edit = {
        title: mask.has("title") ? fields.line("feature.title", given?.title ?? "", 0, MAX_TITLE) : undefined,
        spec: mask.has("spec") ? fields.text("feature.spec", given?.spec ?? "", 0, MAX_SPEC) : undefined,
        lane: mask.has("lane") ? laneFromProto(fields, "feature.lane", given?.lane ?? 0, "next") : undefined,
        touches: mask.has("touches")
          ? touchesFromProto(fields, "feature.touches", given?.touches ?? [], MAX_TOUCHES_PER_CLAIM)
          : undefined,
        dependsOn: mask.has("depends_on")
          ? slugsFromProto(fields, "feature.depends_on", given?.dependsOn ?? [])
          : undefined,
      };
      fields.done();
      const etag = request.etag === "" ? undefined : request.etag;
      const { view, advice } = await updateFeature(deps, callerOf(context), { projectId, slug }, edit, etag);
      return { feature: featureToProto(view), warnings: warningsOf(view.feature, advice) };
    },

    async deleteFeature(request, context) {
      await deleteFeature(deps, callerOf(context), featureNameFromProto(request));
      return {};
    },

    async markFeatureReady(request, context) {
      const fields = new FieldParser();
      fields.atMost("repository_paths", request.repositoryPaths, MAX_REPOSITORY_PATHS);
      fields.done();
      const named = featureNameFromProto(request);
      const { feature, advice } = await markFeatureReady(deps, callerOf(context), named, request.repositoryPaths);
      return { feature: featureToProto(feature), warnings: warningsOf(feature, advice) };
    },

    async unreadyFeature(request, context) {
      return { feature: featureToProto(await unreadyFeature(deps, callerOf(context), featureNameFromProto(request))) };
    },

    async pickFeature(request, context) {
      const fields = new FieldParser();
      const asked = {
        projectId: fields.id<ProjectId>("project_id", request.projectId),
        slug: fields.slug("slug", request.slug),
        sessionId: fields.id<SessionId>("session_id", request.sessionId),
        takeOver: request.takeOver,
      };
      fields.done();
      return pickedToProto(deps, await pickFeature(deps, callerOf(context), asked));
    },

    async pickNextFeature(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      if (request.count < 0 || request.count > MAX_BATCH) fields.reject("count", `is 0 to ${MAX_BATCH}`);
      const forBatch = request.count > 1;
      const sessionId =
        forBatch && request.sessionId === "" ? undefined : fields.id<SessionId>("session_id", request.sessionId);
      fields.done();
      if (forBatch || sessionId === undefined) {
        const batch = await chooseBatch(deps, callerOf(context), { projectId, sessionId }, request.count);
        return { batch: batch.map(featureToProto) };
      }
      return pickedToProto(deps, await pickNextFeature(deps, callerOf(context), { projectId, sessionId }));
    },

    async releaseFeature(request, context) {
      return { feature: featureToProto(await endFeature(deps, callerOf(context), holdFromProto(request), "ready")) };
    },

    async completeFeature(request, context) {
      const fields = new FieldParser();
      const landing = request.landing && {
        branch: fields.line("landing.branch", request.landing.branch, 0, 255),
        commit: fields.line("landing.commit", request.landing.commit, 0, 64),
      };
      fields.done();
      const view = await endFeature(deps, callerOf(context), holdFromProto(request), "done", landing);
      return { feature: featureToProto(view) };
    },

    async cancelFeature(request, context) {
      const fields = new FieldParser();
      const { fencingToken } = request;
      // Without a token the caller does not say that the session holds it.
      const sessionId = fencingToken === 0n ? undefined : fields.id<SessionId>("session_id", request.sessionId);
      fields.done();
      const hold = sessionId && { sessionId, fencingToken };
      return {
        feature: featureToProto(await cancelFeature(deps, callerOf(context), featureNameFromProto(request), hold)),
      };
    },

    async markFeatureMerged(request, context) {
      return {
        feature: featureToProto(await markFeatureMerged(deps, callerOf(context), featureNameFromProto(request))),
      };
    },
  };
}

/** What a pick answers: the feature and its claim, and what to know before starting. */
async function pickedToProto(deps: FeatureDeps, picked: PickedFeature) {
  const { feature } = picked.view;
  const [unmerged, briefing] = await Promise.all([
    unmergedOverlaps(deps, picked.project, feature),
    briefFeature(deps, picked.project, feature),
  ]);
  return {
    feature: featureToProto(picked.view),
    claim: pickedClaimToProto(picked),
    briefing: briefingToProto(briefing),
    unmerged: unmerged.map(unmergedToProto),
  };
}

function slugsFromProto(fields: FieldParser, field: string, slugs: readonly string[]): Slug[] {
  fields.atMost(field, slugs, MAX_DEPENDENCIES);
  return slugs.slice(0, MAX_DEPENDENCIES).map((slug, index) => fields.slug(`${field}[${index}]`, slug));
}

const ADVICE_KINDS: Record<TouchAdvice["kind"], FeatureWarning_Kind> = {
  broad: FeatureWarning_Kind.TOUCH_BROAD,
  hot: FeatureWarning_Kind.TOUCH_HOT,
  "matches-nothing": FeatureWarning_Kind.TOUCH_MATCHES_NOTHING,
};

function adviceInWords({ kind, path, count }: TouchAdvice): string {
  switch (kind) {
    case "broad":
      return `${path} is broad: it would have blocked ${count} of the project's features; name what will be edited`;
    case "hot":
      return `${count} other queued features touch ${path}, so they wait for each other; split the file or plan for it`;
    case "matches-nothing":
      return `${path} matches none of the repository's files`;
  }
}

function warningsOf(feature: Feature, advice: readonly TouchAdvice[]): FeatureWarning[] {
  const warnings: FeatureWarning[] = [];
  const warn = (kind: FeatureWarning_Kind, message: string, more: { path?: string; count?: number } = {}) =>
    warnings.push(create(FeatureWarningSchema, { kind, message, ...more }));
  if (feature.spec === "") warn(FeatureWarning_Kind.SPEC_EMPTY, "the spec is empty: nothing says what is to be done");
  if (feature.touches.length === 0) {
    warn(FeatureWarning_Kind.TOUCHES_EMPTY, "no touches: nothing keeps others from editing the same files");
  }
  for (const one of advice) {
    warn(ADVICE_KINDS[one.kind], adviceInWords(one), { path: one.path, count: one.count });
  }
  return warnings;
}
