import type { Caller } from "../caller.ts";
import { EtagMismatchError, RequestInvalidError } from "../errors.ts";
import { by } from "../events/event.ts";
import type { FeatureDeps } from "../features/deps.ts";
import type { Feature, FeatureView, Lane } from "../features/feature.ts";
import { StatusTransitionInvalidError } from "../features/feature-errors.ts";
import { viewFeature } from "../features/holders.ts";
import { lockFeature, requireFeature } from "../features/require-feature.ts";
import type { ProjectId, Slug } from "../ids.ts";
import { requireMember } from "../projects/require-member.ts";

/** What to move where. */
export interface Move {
  readonly projectId: ProjectId;
  readonly slug: Slug;
  /** Undefined: that of `before`, or the feature's own. */
  readonly lane: Lane | undefined;
  /** The feature that it shall come right before; undefined for the end of the lane. */
  readonly before: Slug | undefined;
  /** The roadmap's etag that it must still have; undefined for any. */
  readonly etag: string | undefined;
}

/**
 * Moves a feature within its lane or to another one. Moves of one project happen one after another. One that stands
 * where it is to go stays as it is.
 *
 * @throws EtagMismatchError when a feature was moved since, ResourceNotFoundError
 * @throws RequestInvalidError when `before` is in another lane, or the feature itself
 * @throws StatusTransitionInvalidError when the feature is done or cancelled
 */
export async function reorderRoadmap(
  deps: FeatureDeps,
  caller: Caller,
  move: Move,
): Promise<{ readonly view: FeatureView; readonly etag: string }> {
  const { project } = await requireMember(deps.database.read, move.projectId, caller.engineerId);
  const { feature, etag } = await deps.database.mutate(caller.request, async (tx) => {
    await tx.roadmap.lock(project.id);
    const version = await tx.roadmap.version(project.id);
    if (move.etag !== undefined && move.etag !== String(version)) throw new EtagMismatchError(String(version));
    const feature = await lockFeature(tx, project.id, move.slug);
    if (feature.status === "done" || feature.status === "cancelled") {
      const why = `${feature.slug} is ${feature.status}, which is final: its place no longer matters`;
      throw new StatusTransitionInvalidError(feature.slug, feature.status, "draft", why);
    }
    const before = move.before === undefined ? undefined : await requireFeature(tx, project.id, move.before);
    const lane = move.lane ?? before?.lane ?? feature.lane;
    if (before !== undefined) checkBefore(feature, before, lane);
    const time = deps.clock.now();
    if (!(await tx.roadmap.move(feature, { lane, before: before?.id }, time)))
      return { feature, etag: String(version) };
    const moved = await requireFeature(tx, project.id, move.slug);
    const payload = { kind: "roadmap", lane, position: moved.position } as const;
    tx.events.append({ ...by(caller), projectId: project.id, featureSlug: moved.slug, time, payload });
    return { feature: moved, etag: String(await tx.roadmap.countMove(project.id)) };
  });
  return { view: await viewFeature(deps.claims, project, feature), etag };
}

function checkBefore(feature: Feature, before: Feature, lane: Lane): void {
  const reject = (description: string) => {
    throw new RequestInvalidError([{ field: "before_slug", description }]);
  };
  if (before.id === feature.id) reject("is the feature that is to be moved; name another one, or none");
  if (before.lane !== lane) reject(`${before.slug} is in the lane ${before.lane}, not ${lane}; ask for that lane`);
}
