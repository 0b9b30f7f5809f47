import type { Caller } from "../caller.ts";
import { checkAlternatives } from "../claims/compile-touches.ts";
import type { Touch } from "../claims/touch.ts";
import type { Stores } from "../database.ts";
import { EtagMismatchError, RequestInvalidError, ResourceAlreadyExistsError } from "../errors.ts";
import { by } from "../events/event.ts";
import type { FeatureId, ProjectId, Slug } from "../ids.ts";
import { requireMember } from "../projects/require-member.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature, FeatureView, Lane } from "./feature.ts";
import { DependenciesUnmetError, DependencyCycleError, StatusTransitionInvalidError } from "./feature-errors.ts";
import { featureEvent, lookOf } from "./feature-event.ts";
import { viewFeature } from "./holders.ts";
import { lockFeature, requireFeature, requireFeatureIds } from "./require-feature.ts";
import { adviseOnTouches, type TouchAdvice } from "./touch-advice.ts";

/** Dependencies of one feature. */
export const MAX_DEPENDENCIES = 100;

interface Named {
  readonly projectId: ProjectId;
  readonly slug: Slug;
}

/** The feature to create. */
export interface FeatureDraft extends Named {
  readonly title: string;
  readonly spec: string;
  readonly lane: Lane;
  readonly touches: readonly Touch[];
  readonly dependsOn: readonly Slug[];
}

/** A feature with what its author should know of its touches. */
export interface AdvisedFeature {
  readonly feature: Feature;
  readonly advice: readonly TouchAdvice[];
}

/** What to change; undefined leaves it. */
export interface FeatureEdit {
  readonly title?: string | undefined;
  readonly spec?: string | undefined;
  readonly lane?: Lane | undefined;
  readonly touches?: readonly Touch[] | undefined;
  readonly dependsOn?: readonly Slug[] | undefined;
}

/**
 * Creates a draft at the end of its lane.
 *
 * @throws ResourceAlreadyExistsError when the slug is taken, ResourceNotFoundError when a dependency does not exist
 */
export async function createFeature(
  deps: FeatureDeps,
  caller: Caller,
  draft: FeatureDraft,
  repositoryPaths: readonly string[],
): Promise<AdvisedFeature> {
  const { project } = await requireMember(deps.database.read, draft.projectId, caller.engineerId);
  checkAlternatives(draft.touches);
  const id = deps.newId() as FeatureId;
  const feature = await deps.database.mutate(caller.request, async (tx) => {
    const dependsOn = await requireFeatureIds(tx, draft.projectId, draft.dependsOn);
    const time = deps.clock.now();
    if (!(await tx.features.insert({ ...draft, id, dependsOn, time }))) {
      throw new ResourceAlreadyExistsError("feature", draft.slug);
    }
    const created = await requireFeature(tx, draft.projectId, draft.slug);
    const happened = { change: "created", to: created.status, after: lookOf(created) } as const;
    tx.events.append(featureEvent({ ...by(caller), ...created, time }, happened));
    return created;
  });
  return { feature, advice: await adviseOnTouches(deps, project, feature, repositoryPaths) };
}

/**
 * Changes fields of a feature. A ready one whose touches or spec change is a draft again; of an active one only title
 * and lane change.
 *
 * @param etag the version it must still have; undefined for any
 */
export async function updateFeature(
  deps: FeatureDeps,
  caller: Caller,
  named: Named,
  edit: FeatureEdit,
  etag: string | undefined,
): Promise<{ readonly view: FeatureView; readonly advice: readonly TouchAdvice[] }> {
  const { project } = await requireMember(deps.database.read, named.projectId, caller.engineerId);
  if (edit.touches !== undefined) checkAlternatives(edit.touches);
  const edited = await deps.database.mutate(caller.request, async (tx) => {
    if (edit.dependsOn !== undefined) await tx.features.lockDependencies(named.projectId);
    if (edit.lane !== undefined) await tx.roadmap.lock(named.projectId);
    const feature = await lockFeature(tx, named.projectId, named.slug);
    if (etag !== undefined && etag !== String(feature.version)) throw new EtagMismatchError(String(feature.version));
    const lane = edit.lane === feature.lane ? undefined : edit.lane;
    const rewritten = edit.touches !== undefined || edit.spec !== undefined;
    checkEditable(feature, rewritten || edit.dependsOn !== undefined);
    const time = deps.clock.now();
    await tx.features.update(
      feature.id,
      {
        title: edit.title,
        spec: edit.spec,
        touches: edit.touches,
        lane,
        dependsOn: edit.dependsOn && (await dependenciesOf(tx, feature, edit.dependsOn)),
        status: rewritten && feature.status === "ready" ? "draft" : undefined,
      },
      time,
    );
    const updated = await requireFeature(tx, named.projectId, named.slug);
    const happened = { change: "updated", from: feature.status, to: updated.status, after: lookOf(updated) } as const;
    tx.events.append(featureEvent({ ...by(caller), ...named, time }, happened));
    if (lane !== undefined) await tx.roadmap.countMove(named.projectId);
    return updated;
  });
  const advice = edit.touches === undefined ? [] : await adviseOnTouches(deps, project, edited, []);
  return { view: await viewFeature(deps.claims, project, edited), advice };
}

function checkEditable(feature: Feature, deeply: boolean): void {
  const { slug, status } = feature;
  if (status === "done" || status === "cancelled" || (status === "active" && deeply)) {
    throw new StatusTransitionInvalidError(
      slug,
      status,
      "draft",
      status === "active"
        ? `${slug} is active: only its title and lane can be changed now`
        : `${slug} is ${status}, which is final: it can't be changed`,
    );
  }
}

async function dependenciesOf(tx: Stores, feature: Feature, slugs: readonly Slug[]): Promise<FeatureId[]> {
  const ids = await requireFeatureIds(tx, feature.projectId, slugs);
  const path = await tx.features.dependencyPath(ids, feature.id);
  if (path !== undefined) throw new DependencyCycleError([feature.slug, ...path]);
  return ids;
}

/**
 * Deletes a draft.
 *
 * @throws StatusTransitionInvalidError when it is anything else, DependenciesUnmetError when others depend on it
 */
export async function deleteFeature(deps: FeatureDeps, caller: Caller, named: Named): Promise<void> {
  await requireMember(deps.database.read, named.projectId, caller.engineerId);
  await deps.database.mutate(caller.request, async (tx) => {
    await tx.features.lockDependencies(named.projectId);
    const feature = await lockFeature(tx, named.projectId, named.slug);
    if (feature.status !== "draft") {
      const advice = `${feature.slug} is ${feature.status}: only a draft can be deleted; cancel it instead`;
      throw new StatusTransitionInvalidError(feature.slug, feature.status, "cancelled", advice);
    }
    const dependents = await tx.features.dependents(feature.id);
    if (dependents.length > 0) throw new DependenciesUnmetError(feature.slug, dependents, "delete");
    await tx.features.delete(feature.id);
    const moment = { ...by(caller), ...named, time: deps.clock.now() };
    tx.events.append(featureEvent(moment, { change: "deleted", from: feature.status }));
  });
}

/**
 * `draft → ready`. A ready feature stays as it is.
 *
 * @param repositoryPaths the repository's files, to advise of patterns that match none; may be empty
 * @throws RequestInvalidError when it has no title
 * @throws StatusTransitionInvalidError when it is active, done or cancelled
 */
export async function markFeatureReady(
  deps: FeatureDeps,
  caller: Caller,
  named: Named,
  repositoryPaths: readonly string[],
): Promise<AdvisedFeature> {
  const { project } = await requireMember(deps.database.read, named.projectId, caller.engineerId);
  const feature = await moveFeature(deps, caller, named, "ready");
  return { feature, advice: await adviseOnTouches(deps, project, feature, repositoryPaths) };
}

/**
 * `ready → draft`. A draft stays as it is.
 *
 * @throws StatusTransitionInvalidError when it is active, done or cancelled
 */
export async function unreadyFeature(deps: FeatureDeps, caller: Caller, named: Named): Promise<Feature> {
  await requireMember(deps.database.read, named.projectId, caller.engineerId);
  return moveFeature(deps, caller, named, "draft");
}

function moveFeature(deps: FeatureDeps, caller: Caller, named: Named, to: "draft" | "ready"): Promise<Feature> {
  return deps.database.mutate(caller.request, async (tx) => {
    const feature = await lockFeature(tx, named.projectId, named.slug);
    if (feature.status === to) return feature;
    if (feature.status !== "draft" && feature.status !== "ready") {
      throw new StatusTransitionInvalidError(feature.slug, feature.status, to);
    }
    if (to === "ready" && feature.title === "") {
      throw new RequestInvalidError([
        {
          field: "title",
          description: `${feature.slug} needs a title first: 'nexus feature edit ${feature.slug} --title …'`,
        },
      ]);
    }
    const time = deps.clock.now();
    await tx.features.update(feature.id, { status: to }, time);
    tx.events.append(featureEvent({ ...by(caller), ...named, time }, { change: "status", from: feature.status, to }));
    return requireFeature(tx, named.projectId, named.slug);
  });
}
